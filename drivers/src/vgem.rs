//! Virtual graphics buffers: `drivers/gpu/drm/vgem/vgem_drv.c`, `vgem_gem_fault` as it was until 2021, and
//! `drivers/gpu/drm/drm_gem_shmem_helper.c`, `drm_gem_shmem_fault`, which serves it since.
//!
//! The device's offsets are divided among its objects, each at a fake offset of its own. An object is filled when it is
//! mapped, by what the prepare hook says, or when it is touched.
//!
//! What C did by hand: a `switch` from errnos to fault codes. EBUSY became `VM_FAULT_RETRY` with the lock still held,
//! which the caller takes for dropped; ENOSPC was the OOM killer's. Offsets were differences of addresses, because
//! `pgoff` has the fake offset in it. And the successor inserts by number, so it must refuse copy-on-write mappings
//! itself.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, Hooks, MaySleep, Mixed, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
    SharedObject, VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// How many pages a fault brings at most, its own among them. A power of two: they are aligned to it.
pub const FAULT_AROUND: usize = 16;

/// When an object's pages get into a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All of them, when it is mapped.
    AtMmap,
    /// Those around a touch, when it is touched.
    OnFault,
}

/// A buffer object.
pub struct Object<P: Platform> {
    object: SharedObject<P>,
    placement: Placement,
    pages: P::Ref<Buffer<P>>,
}

impl<P: Platform> Object<P> {
    /// An object of these pages, mapped at `fake_offset` of the device whose mappings these are.
    ///
    /// # Errors
    /// EINVAL for an offset that it does not fit behind.
    pub fn new(
        fake_offset: PageOffset,
        placement: Placement,
        pages: P::Ref<Buffer<P>>,
        device: &SharedObject<P>,
    ) -> Result<Self, Errno> {
        Ok(Self { object: device.part(fake_offset, pages.page_count())?, placement, pages })
    }

    /// Places the neighbours of a page that is there: those of the object in the same window.
    fn place_around(&self, ctx: &mut FaultCtx<'_, P, Mixed>) {
        if self.pages.page(ctx.pgoff()).is_none() {
            return;
        }
        let first = ctx.pgoff().index() & !(FAULT_AROUND - 1);
        let pages = self.pages.pages().get(first..).unwrap_or_default();
        ctx.prefault_pages(PageOffset::new(first), pages.get(..FAULT_AROUND).unwrap_or(pages));
    }
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(&object.object));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.place_around(&mut ctx);
        ctx.insert_page_with(|at| self.pages.page(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// The device.
pub struct Vgem<P: Platform> {
    objects: Vec<P::Ref<Object<P>>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Vgem<P> {
    /// A device without objects, whose mappings these are.
    #[must_use]
    pub const fn new(mappings: SharedObject<P>) -> Self {
        Self { objects: Vec::new(), mappings }
    }

    /// Adds an object.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn add(&mut self, object: Object<P>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let object = P::share(object, may_sleep)?;
        self.objects.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.objects.push(object);
        Ok(())
    }

    fn find(&self, at: PageOffset) -> Result<&P::Ref<Object<P>>, Errno> {
        self.objects.iter().find(|object| object.object.contains(at)).ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> PrepareFile for Vgem<P> {
    type Platform = P;
    type Ops = Object<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let object = self.find(ctx.pgoff())?;
        let ctx = ctx.rebase(&object.object)?.writable().dont_dump().write_combine();
        match object.placement {
            Placement::OnFault => ctx.by_faults(),
            Placement::AtMmap => ctx.fill_at_pgoff(object.pages.pages()),
        }
    }

    fn mapped(&self, shown: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Object<P>>, Errno> {
        self.find(shown.start).cloned()
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.mappings)
    }
}
