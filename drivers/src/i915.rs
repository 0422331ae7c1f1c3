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
//! an object is [made when it is touched](OnDemand), a fault inserts under one guard of it, and whoever binds or evicts
//! has another, which unmaps.
//!
//! `vm_access`, through which a debugger reaches the object, takes the distance from the VMA's start for the place in the
//! object, which it no longer is once the user has unmapped the front (there is no `may_split`). Here it is `pgoff`.

use alloc::{collections::VecDeque, vec::Vec};

use vmctx::{
    AccessCtx, Accessed, Errno, FaultCtx, FrameSource, Hooks, IomemPart, Made, MaySleep, Mutex, OnDemand, PageCount,
    PageOffset, PageRange, PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, SharedObject, Table, VmFault,
    VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// How many pages of an object are bound at a time (`MIN_CHUNK_PAGES`, there 256).
pub const CHUNK: usize = 2;

/// What there is of an object's parts.
type Parts<P> = Table<Made<Option<IomemPart<P>>>>;

/// A buffer object, of which each part is bound into the aperture when it is touched.
pub struct Object<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    parts: OnDemand<P, Option<IomemPart<P>>>,
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
        Ok(Self { pages, parts: OnDemand::new(&object, count, PageCount::new(CHUNK), may_sleep)? })
    }

    /// The chunk that a part is bound to, if it is. Who is to store to a part that is just being bound comes again.
    fn chunk(parts: &Parts<P>, part: usize, stores: bool) -> Result<Option<&IomemPart<P>>, Errno> {
        match parts.get(part) {
            Some(made) if stores && made.get().is_none() && !made.is_absent() => Err(Errno::EAGAIN),
            made => Ok(made.and_then(Made::get).and_then(Option::as_ref)),
        }
    }

    /// Copies a part to its chunk of the aperture, or back. An object may end in the middle of its last part.
    fn copy(&self, part: usize, chunk: &IomemPart<P>, back: bool) -> Result<(), Errno> {
        let start = part * CHUNK * P::PAGE_SIZE;
        let bytes = self.pages.page_count().get().saturating_sub(part * CHUNK).min(CHUNK) * P::PAGE_SIZE;
        if back {
            let read = |at, bytes: &mut [u8]| chunk.read(at, bytes).map_err(|_| Errno::EIO);
            copy_bytes(bytes, read, |at, bytes| self.pages.write(start + at, bytes))
        } else {
            let write = |at, bytes: &[u8]| chunk.write(at, bytes).map_err(|_| Errno::EIO);
            copy_bytes(bytes, |at, bytes| self.pages.read(start + at, bytes), write)
        }
    }
}

/// The translation table of the aperture: which chunks are free, and which parts the others show, as the number of an
/// object and of its part, those first that were bound first.
struct Gtt<P: Platform> {
    free: Vec<IomemPart<P>>,
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
        let (chunks, mut free, mut bound) = (aperture.count().get() / CHUNK, Vec::new(), VecDeque::new());
        if chunks == 0 {
            return Err(Errno::EINVAL);
        }
        free.try_reserve_exact(chunks).map_err(|_| Errno::ENOMEM)?;
        bound.try_reserve_exact(chunks).map_err(|_| Errno::ENOMEM)?;
        free.extend(IomemPart::whole(aperture).chunks(PageCount::new(CHUNK)).take(chunks));
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
        let (parts, chunk) = (object.parts.try_resident().ok_or(Errno::EAGAIN)?, CHUNK * P::PAGE_SIZE);
        match Object::chunk(&parts, offset / chunk, false)? {
            Some(bound) => bound.read(offset % chunk, into).map_err(|_| Errno::EINVAL),
            None => object.pages.read(offset, into),
        }
    }

    /// Writes an object's bytes, as [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, object: usize, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let object = self.object(object)?;
        let (parts, chunk) = (object.parts.try_resident().ok_or(Errno::EAGAIN)?, CHUNK * P::PAGE_SIZE);
        match Object::chunk(&parts, offset / chunk, true)? {
            Some(bound) => bound.write(offset % chunk, from).map_err(|_| Errno::EINVAL),
            None => object.pages.write(offset, from),
        }
    }

    fn object(&self, index: usize) -> Result<&Object<P>, Errno> {
        self.objects.get(index).ok_or(Errno::EINVAL)
    }

    /// Binds a part of an object: gives it a chunk with its bytes.
    fn bind(&self, index: usize, part: usize, may_sleep: MaySleep<'_>) -> Result<Option<IomemPart<P>>, Errno> {
        let mut gtt = self.gtt.lock(may_sleep);
        if let Some((errno, times)) = gtt.trouble {
            gtt.trouble = (times > 1).then(|| (errno, times - 1));
            // Fences run out for a while only, so the access is repeated.
            return Err(if errno == Errno::ENOBUFS { Errno::EAGAIN } else { errno });
        }
        if gtt.free.is_empty() {
            self.evict(&mut gtt, may_sleep)?;
        }
        let chunk = gtt.free.pop().ok_or(Errno::ENOSPC)?;
        if let Err(errno) = self.object(index)?.copy(part, &chunk, false) {
            gtt.free.push(chunk);
            return Err(errno);
        }
        // There is room for all chunks.
        gtt.bound.push_back((index, part));
        Ok(Some(chunk))
    }

    /// Takes everything out of the aperture, as before the device sleeps. Whoever touches an object wakes it up.
    ///
    /// # Errors
    /// EIO if the bytes of a part cannot be copied.
    pub fn suspend(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut gtt = self.gtt.lock(may_sleep);
        for _ in 0..gtt.bound.len() {
            self.evict(&mut gtt, may_sleep)?;
        }
        Ok(())
    }

    /// Makes room in the aperture: the part goes that was bound first. One that is just being bound stays, and is the
    /// last now.
    fn evict(&self, gtt: &mut Gtt<P>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let Some((index, part)) = gtt.bound.pop_front() else { return Ok(()) };
        let object = self.object(index)?;
        let [start, end] = [part, part + 1].map(|part| PageOffset::new(part * CHUNK));
        let evicted = object.parts.evict(PageRange::new(start, end), may_sleep, |_, bound| {
            // Nobody stores to it any more.
            object.copy(part, bound.as_ref().ok_or(Errno::EIO)?, true)?;
            gtt.free.extend(bound.take());
            Ok(())
        });
        if evicted != Ok(1) {
            gtt.bound.push_back((index, part));
        }
        evicted.map(drop)
    }
}

/// The mapping of an object.
pub struct View<P: Platform> {
    gpu: P::Ref<Gpu<P>>,
    index: usize,
}

impl<P: Platform> View<P> {
    fn object(&self) -> Result<&Object<P>, Errno> {
        self.gpu.object(self.index)
    }

    /// `vm_access`: a debugger reaches the object, wherever it is. Nothing is bound for him.
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
        let (object, page) = (self.object()?, ctx.pgoff().index());
        // Held until the bytes are copied, so that nobody binds the part or evicts it meanwhile.
        let parts = object.parts.resident(ctx.may_sleep());
        match Object::chunk(&parts, page / CHUNK, ctx.is_write())? {
            Some(chunk) => ctx.copy_iomem_part(chunk, PageOffset::new(page % CHUNK)),
            None => ctx.copy_page(object.pages.page(ctx.pgoff()).ok_or(Errno::EFAULT)?),
        }
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.access(Self::access).object(|view: &Self| Some(view.object().ok()?.parts.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        match self.object() {
            Ok(object) => object.parts.serve_piece(ctx, |part, may_sleep| self.gpu.bind(self.index, part, may_sleep)),
            Err(errno) => ctx.fail(errno),
        }
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

    /// The object that is mapped at this offset, with its number.
    fn find(&self, at: PageOffset) -> Result<(usize, &SharedObject<P>), Errno> {
        let mut objects = self.gpu.objects.iter().map(|object| object.parts.object()).enumerate();
        objects.find(|(_, object)| object.contains(at)).ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> PrepareFile for I915<P> {
    type Platform = P;
    type Ops = View<P>;

    /// A part of one object, or EINVAL.
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let (_, object) = self.find(ctx.pgoff())?;
        ctx.rebase(object)?.io().writable().dont_dump().write_combine().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        let (index, _) = self.find(shown.start)?;
        P::share(View::<P> { gpu: self.gpu.clone(), index }, may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.gpu.device)
    }
}
