//! Graphics objects in shared memory, and such as are another driver's: `drivers/gpu/drm/drm_gem_shmem_helper.c`,
//! `drm_gem_shmem_mmap` and `drm_gem_shmem_fault`; `drivers/dma-buf/dma-buf.c`, `dma_buf_mmap`.
//!
//! The pages of an object of its own are brought by faults, until somebody purges it. An imported one is mapped by
//! whoever has exported it: its mmap hook gets the mapping that this one was asked for.
//!
//! What C does by hand: `vm_ops` and `vm_private_data` are reset to null before the exporter is called, or its mapping
//! would run this driver's faults if it sets neither; a reference that the DRM core has taken is dropped, but only on
//! success; that the exporter's mapping is none of this driver's is for all later code to know. Pages are inserted by
//! number, and pinned by a count that `open`, `close` and every error path keep; so copy-on-write must be refused. Here
//! delegation hands the token over, and what comes back is the exporter's success or failure: there is nothing to
//! reset, and no way to insert afterwards. Inserted pages are counted by the mapping. A count of mappings is the `Drop`
//! of a state, put around the other state by a wrapper that passes all its hooks on.
//!
//! The device's file has a mmap hook, because an exporter may have one, to which the token is handed over. Mappings of
//! the driver's own objects are described ([`OwnFile`]).

use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{
    Backing, ByPrepare, Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCount, PageOffset,
    PageRange, Platform, PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, VmFault, VmOperations,
    Wraps,
};

use crate::buffer::Buffer;

/// The pages of an object, until it is purged.
struct Pages<P: Platform>(Option<P::Ref<Buffer<P>>>);

impl<P: Platform> Backing for Pages<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let page = self.0.as_ref().and_then(|pages| pages.page(PageOffset::new(at.get())));
        page.map(Spot::Page).ok_or(Errno::EFAULT)
    }
}

/// An object in shared memory.
pub struct Object<P: Platform> {
    pages: Revocable<P, Pages<P>>,
    uses: AtomicUsize,
}

impl<P: Platform> Object<P> {
    /// An object of these pages, mapped at `fake_offset` of the device whose mappings these are.
    ///
    /// # Errors
    /// EINVAL for an offset that it does not fit behind; ENOMEM.
    pub fn new(
        fake_offset: PageOffset,
        pages: P::Ref<Buffer<P>>,
        mappings: &SharedObject<P>,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let count = pages.page_count();
        let object = mappings.part(fake_offset, count)?;
        let pages = Revocable::new(Pages(Some(pages)), &object, count, may_sleep)?;
        Ok(Self { pages, uses: AtomicUsize::new(0) })
    }

    /// How many mappings there are; one that was forked or cut is one.
    pub fn uses(&self) -> usize {
        self.uses.load(Ordering::Relaxed)
    }

    /// Gives the pages up (`drm_gem_shmem_purge`): users have said that they can do without. Whoever touches the object
    /// afterwards gets a signal. Whether there was something to give up.
    pub fn purge(&self, may_sleep: MaySleep<'_>) -> bool {
        self.pages.revoke(may_sleep).0.take().is_some()
    }
}

/// A mapping of an object of the driver's own.
pub struct View<P: Platform> {
    object: P::Ref<Object<P>>,
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|view: &Self| Some(view.object.pages.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.object.pages.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// What the DRM core puts around the mappings of all drivers: their number (`drm_gem_vm_open`, `drm_gem_vm_close`).
pub struct Counted<V: VmOperations> {
    view: V,
    _use: Uses<V::Platform>,
}

/// One use of an object.
struct Uses<P: Platform>(P::Ref<Object<P>>);

impl<P: Platform> Uses<P> {
    fn new(object: P::Ref<Object<P>>) -> Self {
        object.uses.fetch_add(1, Ordering::Relaxed);
        Self(object)
    }
}

impl<P: Platform> Drop for Uses<P> {
    fn drop(&mut self) {
        self.0.uses.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<V: VmOperations> VmOperations for Counted<V> {
    type Platform = V::Platform;
    type Kind = V::Kind;
    const HOOKS: Hooks<Self> = Hooks::of_inner();

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, V::Platform, V::Kind>) -> VmFault<'f> {
        self.view.fault(ctx)
    }
}

impl<V: VmOperations> Wraps for Counted<V> {
    type Inner = V;

    fn inner(&self) -> &V {
        &self.view
    }
}

/// The file of an object of the driver's own.
pub struct OwnFile<P: Platform> {
    object: P::Ref<Object<P>>,
}

impl<P: Platform> PrepareFile for OwnFile<P> {
    type Platform = P;
    type Ops = Counted<View<P>>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.rebase(self.object.pages.object())?.writable().dont_dump().write_combine().by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        let view = View::<P> { object: self.object.clone() };
        P::share(Counted { view, _use: Uses::new(self.object.clone()) }, may_sleep)
    }
}

/// What is mapped at some offsets of the device.
pub enum Handle<P: Platform> {
    /// An object of the driver's own.
    Own(ByPrepare<OwnFile<P>>),
    /// An object of somebody else's (`import_attach`). It has the offsets below `end` that no other has: an exporter is
    /// handed the mapping with the offset that was asked for.
    Imported {
        /// The exporter's file.
        exporter: Box<dyn MmapFile<Platform = P>>,
        /// The first page offset that is not the object's.
        end: PageOffset,
    },
}

impl<P: Platform> Handle<P> {
    /// The handle of an object of the driver's own.
    pub fn own(object: P::Ref<Object<P>>) -> Self {
        Self::Own(ByPrepare(OwnFile { object }))
    }
}

/// The device's file.
pub struct DrmGemShmem<P: Platform> {
    handles: Vec<Handle<P>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> DrmGemShmem<P> {
    /// A device with these objects, which are looked up in their order.
    pub fn new(handles: Vec<Handle<P>>, mappings: SharedObject<P>) -> Self {
        Self { handles, mappings }
    }
}

impl<P: Platform> MmapFile for DrmGemShmem<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let at = ctx.pgoff();
        let handle = self.handles.iter().find(|handle| match handle {
            Handle::Own(file) => file.0.object.pages.object().contains(at),
            Handle::Imported { end, .. } => at < *end,
        });
        match handle.ok_or(Errno::EINVAL)? {
            Handle::Imported { exporter, .. } => exporter.mmap(ctx),
            Handle::Own(file) => file.mmap(ctx),
        }
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.mappings)
    }
}
