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
//! driver says what it means by it: EAGAIN. And the rule that in C a comment has to state is the lock's: the fault
//! holds it while it inserts, whoever evicts holds it while he unmaps.
//!
//! `vm_access`, through which a debugger reaches the object, takes the distance from the VMA's start for the place in the
//! object, which it no longer is once the user has unmapped the front (there is no `may_split`). Here it is `pgoff`.

use alloc::vec::Vec;

use vmctx::{
    AccessCtx, Accessed, Errno, FaultCtx, Frame, FrameSource, Hooks, Iomem, Mapped, MaySleep, MmapCtx, MmapFile,
    PageCount, PageOffset, PfnMap, Platform, RwLock, SharedObject, VmFault, VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// How many pages of an object are bound at a time (`MIN_CHUNK_PAGES`, there 256).
pub const CHUNK: usize = 2;

/// A buffer object.
pub struct Object<P: Platform> {
    /// Where the object is mapped.
    pub fake_offset: PageOffset,
    /// Its memory.
    pub pages: P::Ref<Buffer<P>>,
}

/// A part of an object that can be bound: its object, and its first page there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    object: usize,
    first: usize,
}

/// A page of an object: the part that it belongs to, and its place in it.
#[derive(Clone, Copy)]
struct Place {
    part: Part,
    inside: usize,
}

/// The translation table of the aperture.
struct Gtt {
    /// What each part of the aperture shows.
    bound: Vec<Option<Part>>,
    /// Which is evicted next.
    victim: usize,
    /// What so many bindings to come fail with.
    trouble: Option<(Errno, usize)>,
}

/// The device.
pub struct Gpu<P: Platform> {
    aperture: P::Iomem,
    objects: Vec<Object<P>>,
    gtt: P::RwLock<Gtt>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Gpu<P> {
    /// A device with these objects, all of them unbound.
    ///
    /// # Errors
    /// EINVAL for an aperture that cannot hold a part of an object; ENOMEM.
    pub fn new(aperture: P::Iomem, objects: Vec<Object<P>>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let parts = aperture.count().get() / CHUNK;
        if parts == 0 {
            return Err(Errno::EINVAL);
        }
        let mut bound = Vec::new();
        bound.try_reserve_exact(parts).map_err(|_| Errno::ENOMEM)?;
        bound.resize(parts, None);
        let gtt = P::RwLock::new(Gtt { bound, victim: 0, trouble: None }, may_sleep)?;
        Ok(Self { aperture, objects, gtt, mappings: SharedObject::new(may_sleep)? })
    }

    /// The next `times` bindings fail with this errno: what can go wrong with hardware.
    pub fn disturb(&self, errno: Errno, times: usize, may_sleep: MaySleep<'_>) {
        self.gtt.write(may_sleep).trouble = (times > 0).then_some((errno, times));
    }

    /// Reads an object's bytes, wherever they are. They must all be in one page of it.
    ///
    /// # Errors
    /// EINVAL if they are not; EAGAIN while somebody is binding.
    pub fn read(&self, object: usize, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let gtt = self.gtt.try_read().ok_or(Errno::EAGAIN)?;
        match self.in_aperture(&gtt, object, offset) {
            Some(at) => self.aperture.read(at, into).map_err(|_| Errno::EINVAL),
            None => self.object(object)?.pages.read(offset, into),
        }
    }

    /// Writes an object's bytes, as [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, object: usize, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let gtt = self.gtt.try_read().ok_or(Errno::EAGAIN)?;
        match self.in_aperture(&gtt, object, offset) {
            Some(at) => self.aperture.write(at, from).map_err(|_| Errno::EINVAL),
            None => self.object(object)?.pages.write(offset, from),
        }
    }

    fn object(&self, index: usize) -> Result<&Object<P>, Errno> {
        self.objects.get(index).ok_or(Errno::EINVAL)
    }

    /// Where in the aperture a byte of an object is, if it is there.
    fn in_aperture(&self, gtt: &Gtt, object: usize, offset: usize) -> Option<usize> {
        let page = offset / P::PAGE_SIZE;
        let first = page - page % CHUNK;
        let slot = gtt.bound.iter().position(|bound| *bound == Some(Part { object, first }))?;
        Some(slot * CHUNK * P::PAGE_SIZE + offset - first * P::PAGE_SIZE)
    }

    /// Which page of which object is mapped there.
    fn locate(&self, at: PageOffset) -> Option<Place> {
        self.objects.iter().enumerate().find_map(|(object, candidate)| {
            let page = at.checked_since(candidate.fake_offset)?;
            let inside = page.get() % CHUNK;
            (page < candidate.pages.page_count())
                .then_some(Place { part: Part { object, first: page.get() - inside }, inside })
        })
    }

    /// Binds a part of an object, and says where in the aperture.
    fn bind(&self, gtt: &mut Gtt, part: Part, may_sleep: MaySleep<'_>) -> Result<usize, Errno> {
        if let Some(slot) = gtt.bound.iter().position(|bound| *bound == Some(part)) {
            return Ok(slot);
        }
        if let Some((errno, times)) = gtt.trouble {
            gtt.trouble = (times > 1).then(|| (errno, times - 1));
            return Err(errno);
        }
        let slot = match gtt.bound.iter().position(Option::is_none) {
            Some(free) => free,
            None => self.evict(gtt, may_sleep)?,
        };
        let pages = &self.object(part.object)?.pages;
        let (from, to) = (part.first * P::PAGE_SIZE, slot * CHUNK * P::PAGE_SIZE);
        let bytes = self.bytes(part)?;
        copy_bytes(
            bytes,
            |at, bytes| pages.read(from + at, bytes),
            |at, bytes| self.aperture.write(to + at, bytes).map_err(|_| Errno::EIO),
        )?;
        *gtt.bound.get_mut(slot).ok_or(Errno::EIO)? = Some(part);
        Ok(slot)
    }

    /// Takes everything out of the aperture, as before the device sleeps. Whoever touches an object wakes it up.
    ///
    /// # Errors
    /// EIO if the bytes of a part cannot be copied.
    pub fn suspend(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut gtt = self.gtt.write(may_sleep);
        (0..gtt.bound.len()).try_for_each(|_| self.evict(&mut gtt, may_sleep).map(drop))
    }

    /// Makes room in the aperture.
    fn evict(&self, gtt: &mut Gtt, may_sleep: MaySleep<'_>) -> Result<usize, Errno> {
        let slot = gtt.victim;
        gtt.victim = (slot + 1) % gtt.bound.len();
        let Some(part) = gtt.bound.get_mut(slot).and_then(Option::take) else { return Ok(slot) };
        let object = self.object(part.object)?;
        let first = object.fake_offset.checked_add(PageCount::new(part.first)).ok_or(Errno::EIO)?;
        // Unmapped before it is copied: nobody stores to it any more.
        self.mappings.unmap(first, PageCount::new(CHUNK), may_sleep);
        let (from, to) = (slot * CHUNK * P::PAGE_SIZE, part.first * P::PAGE_SIZE);
        copy_bytes(
            self.bytes(part)?,
            |at, bytes| self.aperture.read(from + at, bytes).map_err(|_| Errno::EIO),
            |at, bytes| object.pages.write(to + at, bytes),
        )?;
        Ok(slot)
    }

    /// How long a part is. An object may end in the middle of its last.
    fn bytes(&self, part: Part) -> Result<usize, Errno> {
        let pages = self.object(part.object)?.pages.page_count().get();
        Ok(pages.saturating_sub(part.first).min(CHUNK) * P::PAGE_SIZE)
    }

    /// `vm_access`: a debugger reaches the object, wherever it is. Nothing is bound for him.
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
        let Place { part, inside } = self.locate(ctx.pgoff()).ok_or(Errno::EFAULT)?;
        // Held until the bytes are copied, so that nobody binds the part or evicts it meanwhile.
        let gtt = self.gtt.read(ctx.may_sleep());
        if let Some(slot) = gtt.bound.iter().position(|bound| *bound == Some(part)) {
            return ctx.copy_iomem(&self.aperture, PageOffset::new(slot * CHUNK + inside));
        }
        let page = PageOffset::new(part.first + inside);
        ctx.copy_page(self.object(part.object)?.pages.page(page).ok_or(Errno::EFAULT)?)
    }

    fn frame(&self, slot: usize, inside: usize) -> Option<Frame<'_, P>> {
        self.aperture.frame(PageOffset::new(slot * CHUNK + inside))
    }
}

impl<P: Platform> VmOperations for Gpu<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some(Place { part, inside }) = self.locate(ctx.pgoff()) else { return ctx.fail(Errno::EFAULT) };
        // Held until the frames are in, so that nobody evicts the part before that.
        let mut gtt = self.gtt.write(ctx.may_sleep());
        let slot = match self.bind(&mut gtt, part, ctx.may_sleep()) {
            Ok(slot) => slot,
            // Fences run out for a while only, so the access is repeated.
            Err(Errno::ENOBUFS) => return ctx.fail_or_refault(Errno::EAGAIN),
            Err(errno) => return ctx.fail_or_refault(errno),
        };
        // The other pages of the part, as far as the object has them.
        let first = ctx.pgoff().index() - inside;
        for index in 0..CHUNK {
            let other = PageOffset::new(first + index);
            let belongs = self.locate(other).is_some_and(|place| place.part == part);
            if let Some(frame) = self.frame(slot, index).filter(|_| belongs) {
                ctx.prefault_pfn(other, frame);
            }
        }
        ctx.insert_pfn_with(|_| self.frame(slot, inside).ok_or(Errno::EIO))
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
        let first = self.gpu.locate(ctx.pgoff()).ok_or(Errno::EINVAL)?;
        let last = PageOffset::new(ctx.pgoff().index().saturating_add(ctx.page_count().get() - 1));
        let last = self.gpu.locate(last).ok_or(Errno::EINVAL)?;
        if first.part.object != last.part.object {
            return Err(Errno::EINVAL);
        }
        let ctx = ctx.io().writable().dont_dump().write_combine();
        Ok(ctx.establish_shared(self.gpu.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.gpu.mappings)
    }
}
