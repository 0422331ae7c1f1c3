//! Graphics objects seen through an aperture that is smaller than they are: `drivers/gpu/drm/i915/gem/i915_gem_mman.c`,
//! `vm_fault_gtt` and `i915_error_to_vmf_fault`.
//!
//! A user maps an object, which is in system memory. A fault binds the part of it that was touched into the aperture,
//! and shows the aperture's frames. If that is full, another part is evicted first, and whoever has it mapped faults it
//! back in.
//!
//! What C does by hand: `i915_error_to_vmf_fault`, eleven errnos and their codes in one `switch`, with a warning for
//! those that nobody has thought of. Most of them mean "repeat the access": EAGAIN, EINTR, EBUSY, ENOSPC while the
//! aperture is full, ENOBUFS while there are no fences. Its neighbours in TTM, SGX and ubifs have other lists. Here
//! there is one, the kernel's: [`fail_or_refault`](vmctx::FaultCtx::fail_or_refault). ENOBUFS is not on it, so this
//! driver says what it means by it: EAGAIN. And the rule that in C a comment has to state is a guard's: what is bound of
//! an object is in a [`Table`], a fault inserts under one guard of it, and whoever binds or evicts has another, which
//! unmaps.
//!
//! `vm_access`, through which a debugger reaches the object, takes the distance from the VMA's start for the place in the
//! object, which it no longer is once the user has unmapped the front (there is no `may_split`). Here it is `pgoff`.

use alloc::{collections::VecDeque, vec::Vec};

use vmctx::{
    AccessCtx, Accessed, Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem, Mapped, MaySleep, MmapCtx, MmapFile,
    Mutex, PageCount, PageOffset, PfnMap, Platform, Revocable, SharedObject, Spot, Table, VmFault, VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// How many pages of an object are bound at a time (`MIN_CHUNK_PAGES`, there 256).
pub const CHUNK: usize = 2;

/// A buffer object.
pub struct Object<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    parts: Revocable<P, Table<Bound<P>>>,
}

impl<P: Platform> Object<P> {
    /// An object of these pages, mapped at `fake_offset` of the device whose mappings these are. None of it is bound.
    ///
    /// # Errors
    /// EINVAL for an offset that it does not fit behind; ENOMEM.
    pub fn new(
        fake_offset: PageOffset,
        pages: P::Ref<Buffer<P>>,
        device: &SharedObject<P>,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let count = pages.page_count();
        let object = device.part(fake_offset, count)?;
        let parts = Revocable::in_pieces(&object, count, PageCount::new(CHUNK), may_sleep)?;
        Ok(Self { pages, parts })
    }

    /// How many bytes a part has. An object may end in the middle of its last.
    fn bytes(&self, part: usize) -> usize {
        self.pages.page_count().get().saturating_sub(part * CHUNK).min(CHUNK) * P::PAGE_SIZE
    }
}

/// Where a part of an object is in the aperture, if it is bound.
struct Bound<P: Platform>(Option<Chunk<P>>);

/// A part of the aperture, of as many pages as a part of an object.
struct Chunk<P: Platform> {
    aperture: P::Iomem,
    number: usize,
}

impl<P: Platform> Chunk<P> {
    fn page(&self, inside: usize) -> PageOffset {
        PageOffset::new(self.number * CHUNK + inside)
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.aperture.read(self.number * CHUNK * P::PAGE_SIZE + offset, into).map_err(|_| Errno::EIO)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.aperture.write(self.number * CHUNK * P::PAGE_SIZE + offset, from).map_err(|_| Errno::EIO)
    }
}

impl<P: Platform> Default for Bound<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P: Platform> Backing for Bound<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let frame = self.0.as_ref().and_then(|chunk| chunk.aperture.frame(chunk.page(at.get())));
        frame.map(Spot::Frame).ok_or(Errno::EFAULT)
    }
}

/// The translation table of the aperture: which chunks are free, and which parts the others show, as the number of an
/// object and of its part, those first that were bound first.
struct Gtt<P: Platform> {
    free: Vec<Chunk<P>>,
    bound: VecDeque<(usize, usize)>,
    /// What so many bindings to come fail with.
    trouble: Option<(Errno, usize)>,
}

/// The device.
pub struct Gpu<P: Platform> {
    objects: Vec<Object<P>>,
    device: SharedObject<P>,
    gtt: P::Mutex<Gtt<P>>,
}

impl<P: Platform> Gpu<P> {
    /// A device with these objects, all of them unbound and made for these mappings.
    ///
    /// # Errors
    /// EINVAL for an aperture that cannot hold a part of an object; ENOMEM.
    pub fn new(
        aperture: P::Iomem,
        objects: Vec<Object<P>>,
        device: SharedObject<P>,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let chunks = aperture.count().get() / CHUNK;
        if chunks == 0 {
            return Err(Errno::EINVAL);
        }
        let (mut free, mut bound) = (Vec::new(), VecDeque::new());
        free.try_reserve_exact(chunks).map_err(|_| Errno::ENOMEM)?;
        bound.try_reserve_exact(chunks).map_err(|_| Errno::ENOMEM)?;
        free.extend((0..chunks).rev().map(|number| Chunk { aperture: aperture.clone(), number }));
        Ok(Self { objects, device, gtt: P::Mutex::new(Gtt { free, bound, trouble: None }, may_sleep)? })
    }

    /// The next `times` bindings fail with this errno: what can go wrong with hardware.
    pub fn disturb(&self, errno: Errno, times: usize, may_sleep: MaySleep<'_>) {
        self.gtt.lock(may_sleep).trouble = (times > 0).then_some((errno, times));
    }

    /// Reads an object's bytes, wherever they are. They must all be in one page of it.
    ///
    /// # Errors
    /// EINVAL if they are not; EAGAIN while somebody is binding.
    pub fn read(&self, object: usize, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let object = self.object(object)?;
        let parts = object.parts.try_resident().ok_or(Errno::EAGAIN)?;
        let chunk = CHUNK * P::PAGE_SIZE;
        match parts.get(offset / chunk) {
            Some(Bound(Some(bound))) => bound.read(offset % chunk, into).map_err(|_| Errno::EINVAL),
            _ => object.pages.read(offset, into),
        }
    }

    /// Writes an object's bytes, as [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, object: usize, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let object = self.object(object)?;
        let parts = object.parts.try_resident().ok_or(Errno::EAGAIN)?;
        let chunk = CHUNK * P::PAGE_SIZE;
        match parts.get(offset / chunk) {
            Some(Bound(Some(bound))) => bound.write(offset % chunk, from).map_err(|_| Errno::EINVAL),
            _ => object.pages.write(offset, from),
        }
    }

    fn object(&self, index: usize) -> Result<&Object<P>, Errno> {
        self.objects.get(index).ok_or(Errno::EINVAL)
    }

    /// Sees to it that a part of an object is bound, until the table is let go of.
    fn bind(&self, gtt: &mut Gtt<P>, index: usize, part: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        if gtt.bound.contains(&(index, part)) {
            return Ok(());
        }
        if let Some((errno, times)) = gtt.trouble {
            gtt.trouble = (times > 1).then(|| (errno, times - 1));
            return Err(errno);
        }
        if gtt.free.is_empty() {
            self.evict(gtt, may_sleep)?;
        }
        let object = self.object(index)?;
        let mut revoked = object.parts.revoke_part(part..part + 1, may_sleep)?;
        let bound = revoked.get_mut(part)?;
        let chunk = gtt.free.pop().ok_or(Errno::ENOSPC)?;
        let start = part * CHUNK * P::PAGE_SIZE;
        let read = |at, bytes: &mut [u8]| object.pages.read(start + at, bytes);
        let copied = copy_bytes(object.bytes(part), read, |at, bytes| chunk.write(at, bytes));
        match copied {
            Ok(()) => {
                bound.0 = Some(chunk);
                // There is room for all chunks.
                gtt.bound.push_back((index, part));
            }
            Err(_) => gtt.free.push(chunk),
        }
        copied
    }

    /// Takes everything out of the aperture, as before the device sleeps. Whoever touches an object wakes it up.
    ///
    /// # Errors
    /// EIO if the bytes of a part cannot be copied.
    pub fn suspend(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut gtt = self.gtt.lock(may_sleep);
        while !gtt.bound.is_empty() {
            self.evict(&mut gtt, may_sleep)?;
        }
        Ok(())
    }

    /// Makes room in the aperture: the part goes that was bound first.
    fn evict(&self, gtt: &mut Gtt<P>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let Some((index, part)) = gtt.bound.front().copied() else { return Ok(()) };
        let object = self.object(index)?;
        // Nobody stores to it any more.
        let mut revoked = object.parts.revoke_part(part..part + 1, may_sleep)?;
        let bound = revoked.get_mut(part)?;
        let Some(chunk) = &bound.0 else { return Err(Errno::EIO) };
        let start = part * CHUNK * P::PAGE_SIZE;
        let write = |at, bytes: &[u8]| object.pages.write(start + at, bytes);
        copy_bytes(object.bytes(part), |at, bytes| chunk.read(at, bytes), write)?;
        gtt.free.extend(bound.0.take());
        gtt.bound.pop_front();
        Ok(())
    }
}

/// The mapping of an object.
struct View<P: Platform> {
    gpu: P::Ref<Gpu<P>>,
    index: usize,
}

impl<P: Platform> View<P> {
    fn object(&self) -> Result<&Object<P>, Errno> {
        self.gpu.object(self.index)
    }

    /// `vm_access`: a debugger reaches the object, wherever it is. Nothing is bound for him.
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
        let object = self.object()?;
        let page = ctx.pgoff().index();
        // Held until the bytes are copied, so that nobody binds the part or evicts it meanwhile.
        let parts = object.parts.resident(ctx.may_sleep());
        match parts.get(page / CHUNK) {
            Some(Bound(Some(chunk))) => ctx.copy_iomem(&chunk.aperture, chunk.page(page % CHUNK)),
            _ => ctx.copy_page(object.pages.page(ctx.pgoff()).ok_or(Errno::EFAULT)?),
        }
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.access(Self::access).object(|view: &Self| Some(view.object().ok()?.parts.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        // Held until the frames are in, so that nobody evicts the part before that.
        let mut gtt = self.gpu.gtt.lock(ctx.may_sleep());
        let part = ctx.pgoff().index() / CHUNK;
        let bound = self.gpu.bind(&mut gtt, self.index, part, ctx.may_sleep());
        let object = match bound.and_then(|()| self.object()) {
            Ok(object) => object,
            // Fences run out for a while only, so the access is repeated.
            Err(Errno::ENOBUFS) => return ctx.fail_or_refault(Errno::EAGAIN),
            Err(errno) => return ctx.fail_or_refault(errno),
        };
        let parts = object.parts.resident(ctx.may_sleep());
        // The other pages of the part, as far as the object has them.
        for other in part * CHUNK..(part + 1) * CHUNK {
            parts.prefault(&mut ctx, PageOffset::new(other));
        }
        parts.insert(ctx)
    }
}

/// The device's file.
pub struct I915<P: Platform> {
    gpu: P::Ref<Gpu<P>>,
}

impl<P: Platform> I915<P> {
    /// Opens it.
    pub fn new(gpu: P::Ref<Gpu<P>>) -> Self {
        Self { gpu }
    }
}

impl<P: Platform> MmapFile for I915<P> {
    type Platform = P;

    /// A part of one object, or EINVAL.
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let at = ctx.pgoff();
        let mut objects = self.gpu.objects.iter().map(|object| object.parts.object()).enumerate();
        let (index, object) = objects.find(|(_, object)| object.contains(at)).ok_or(Errno::EINVAL)?;
        let ctx = ctx.rebase(object)?.io().writable().dont_dump().write_combine();
        Ok(ctx.establish(View::<P> { gpu: self.gpu.clone(), index })?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.gpu.device)
    }
}
