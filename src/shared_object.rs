//! All the mappings of one object.

use crate::{
    errno::Errno,
    platform::Platform,
    sleep::MaySleep,
    units::{PageCount, PageOffset},
};

/// All the mappings of one object, in every process (`struct address_space`): what [`unmap`](Self::unmap) reaches.
///
/// A file says whose mappings its own are: [`MmapFile::object`](crate::MmapFile::object). Clones are of the same
/// object. A driver that revokes access to the object's memory keeps one, and unmaps under the lock that its faults
/// take:
///
/// ```
/// use vmctx::{
///     Errno, FaultCtx, FrameSource, Mapped, SharedObject, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
///     Platform, RwLock, VmFault, VmOperations,
/// };
///
/// /// A BAR that can be switched off while users have it mapped.
/// struct Bar<P: Platform> {
///     memory: P::Iomem,
///     on: P::RwLock<bool>,
///     mappings: SharedObject<P>,
/// }
///
/// impl<P: Platform> Bar<P> {
///     fn switch_off(&self, may_sleep: MaySleep<'_>) {
///         let mut on = self.on.write(may_sleep);
///         *on = false;
///         // No fault can insert meanwhile: they take the same lock.
///         self.mappings.unmap(PageOffset::ZERO, self.memory.count(), may_sleep);
///     }
/// }
///
/// struct File<P: Platform>(P::Ref<Bar<P>>);
///
/// impl<P: Platform> MmapFile for File<P> {
///     type Platform = P;
///
///     fn object(&self) -> Option<&SharedObject<P>> {
///         Some(&self.0.mappings)
///     }
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         Ok(ctx.shared_only()?.establish_shared(self.0.clone())?.fill_later())
///     }
/// }
///
/// impl<P: Platform> VmOperations for Bar<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         let on = self.on.read(ctx.may_sleep());
///         match self.memory.frame(ctx.pgoff()) {
///             Some(frame) if *on => ctx.insert_pfn(frame),
///             _ => ctx.fail(Errno::EIO),
///         }
///     }
/// }
/// ```
///
/// Leave such mappings to faults: `unmap` does not find what a mmap hook has inserted before that hook has returned.
pub struct SharedObject<P: Platform> {
    pub(crate) raw: P::Object,
}

impl<P: Platform> SharedObject<P> {
    /// An object with no mappings yet.
    ///
    /// # Errors
    /// ENOMEM.
    #[track_caller]
    pub fn new(may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { raw: P::new_object(may_sleep)? })
    }

    /// For platforms: the platform's own object behind this.
    #[must_use]
    pub const fn platform_object(&self) -> &P::Object {
        &self.raw
    }

    /// Takes `count` pages of the object, from `first` on, out of every mapping (`unmap_mapping_range`). The next touch
    /// faults. Private copies stay: they are their user's own.
    ///
    /// It takes no mmap lock, so it may be called with a lock held that fault hooks take. When it returns, no access to
    /// those pages is under way any more.
    #[track_caller]
    pub fn unmap(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) {
        // Linux takes a count of zero for all pages behind `first`.
        if count != PageCount::ZERO {
            P::unmap_mapping_range(&self.raw, first, count, may_sleep);
        }
    }
}

impl<P: Platform> Clone for SharedObject<P> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone() }
    }
}
