//! A graphics buffer that a Xen guest shares with its display backend: `drivers/gpu/drm/xen/xen_drm_front_gem.c`,
//! `xen_drm_front_gem_object_mmap` (one of the call sites of linux-mm, September 2018), below
//! `drivers/gpu/drm/drm_gem.c`, `drm_gem_mmap`.
//!
//! An object is found by its fake offset, which must be met exactly, and is mapped from its start on. The backend is at
//! its pages until the object goes, and that is when it has no handle and no mapping any more.
//!
//! What C does by hand: it undoes what the DRM core has prepared. `VM_PFNMAP` is cleared, or the first insertion is a
//! `BUG_ON`; `vm_pgoff` is set to 0, because it has the fake offset in it; `vm_page_prot` is made anew, because pages
//! that another domain sees have to be cached, and DRM had asked for write-combining. And `open` and `close` count the
//! object's references. Here nothing of that was done, so nothing is undone, and the mapping's state *is* a reference.
//! Faults bring the pages, and not mmap: the object is found under a lock, and the mapping has a reference to it only
//! when it has a state.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
    RwLock, VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// A buffer object.
pub struct Object<P: Platform> {
    fake_offset: PageOffset,
    pages: P::Ref<Buffer<P>>,
    /// How many pages the backend is at.
    shared: P::Ref<AtomicUsize>,
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| {
            let page = at.pgoff().checked_since(self.fake_offset).ok_or(Errno::ENXIO)?;
            self.pages.page(PageOffset::new(page.get())).ok_or(Errno::ENXIO)
        })
    }
}

impl<P: Platform> Drop for Object<P> {
    /// The backend has to let go of the pages (`xen_drm_front_gem_free_object_unlocked`).
    fn drop(&mut self) {
        self.shared.fetch_sub(self.pages.page_count().get(), Ordering::AcqRel);
    }
}

/// The device.
pub struct XenDrmFront<P: Platform> {
    objects: P::RwLock<Vec<P::Ref<Object<P>>>>,
    shared: P::Ref<AtomicUsize>,
}

impl<P: Platform> XenDrmFront<P> {
    /// A device without objects.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let shared = P::share(AtomicUsize::new(0), may_sleep)?;
        Ok(Self { objects: P::RwLock::new(Vec::new(), may_sleep)?, shared })
    }

    /// Makes an object of these pages, the guest's or the backend's, that is mapped at `fake_offset`.
    ///
    /// # Errors
    /// EEXIST if there is one, ENOMEM.
    pub fn create(
        &self,
        fake_offset: PageOffset,
        pages: P::Ref<Buffer<P>>,
        may_sleep: MaySleep<'_>,
    ) -> Result<(), Errno> {
        let mut objects = self.objects.write(may_sleep);
        if objects.iter().any(|object| object.fake_offset == fake_offset) {
            return Err(Errno::EEXIST);
        }
        objects.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.shared.fetch_add(pages.page_count().get(), Ordering::AcqRel);
        objects.push(P::share(Object::<P> { fake_offset, pages, shared: self.shared.clone() }, may_sleep)?);
        Ok(())
    }

    /// Drops the handle of an object (`DRM_IOCTL_MODE_DESTROY_DUMB`). Whoever has it mapped keeps it.
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn destroy(&self, fake_offset: PageOffset, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut objects = self.objects.write(may_sleep);
        let index = objects.iter().position(|object| object.fake_offset == fake_offset).ok_or(Errno::ENOENT)?;
        objects.swap_remove(index);
        Ok(())
    }

    /// How many pages the backend is at.
    pub fn shared_pages(&self) -> usize {
        self.shared.load(Ordering::Acquire)
    }

    /// The object that is mapped here, if it can be mapped so long.
    fn find(
        &self,
        fake_offset: PageOffset,
        count: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<P::Ref<Object<P>>, Errno> {
        let objects = self.objects.read(may_sleep);
        let object = objects.iter().find(|object| object.fake_offset == fake_offset);
        object.filter(|object| count <= object.pages.page_count()).cloned().ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> PrepareFile for XenDrmFront<P> {
    type Platform = P;
    type Ops = Object<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.find(ctx.pgoff(), ctx.page_count(), ctx.may_sleep())?;
        ctx.writable().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Object<P>>, Errno> {
        self.find(shown.start, shown.page_count(), may_sleep)
    }
}
