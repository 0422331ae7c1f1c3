//! All the mappings of one object.

use crate::{
    errno::Errno,
    platform::Platform,
    sleep::MaySleep,
    units::{PageCount, PageOffset, PageRange},
};

/// All the mappings of one object, in every process (`struct address_space`): what unmapping reaches.
///
/// A file says whose mappings its own are: [`MmapFile::object`](crate::MmapFile::object). Clones are of the same
/// object. A driver that takes memory back from its users gives it to the [`Revocable`](crate::Revocable), which unmaps
/// under the lock that faults take; a page that is truncated or written back is unmapped by its
/// [lock](crate::PageLock::unmap).
///
/// One file can show several objects, one behind the other, as those of DRM do: each is a [`part`](Self::part) of what
/// the file shows.
///
/// ```
/// use vmctx::{Errno, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, SharedObject};
///
/// struct Log<P: Platform> {
///     pages: Vec<P::Page>,
///     object: SharedObject<P>,
/// }
///
/// impl<P: Platform> MmapFile for Log<P> {
///     type Platform = P;
///
///     fn object(&self) -> Option<&SharedObject<P>> {
///         Some(&self.object)
///     }
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
///     }
/// }
///
/// impl<P: Platform> Log<P> {
///     /// Every mapping of it, whoever made it, loses its first page.
///     fn hide_first(&self, may_sleep: MaySleep<'_>) {
///         self.object.unmap_once(PageOffset::ZERO, PageCount::new(1), may_sleep);
///     }
/// }
/// ```
#[doc(alias = "address_space")]
pub struct SharedObject<P: Platform> {
    pub(crate) raw: P::Object,
    /// Where the part begins in what the file shows, and how many pages it has.
    base: PageOffset,
    count: PageCount,
}

impl<P: Platform> SharedObject<P> {
    /// An object with no mappings yet.
    ///
    /// # Errors
    /// ENOMEM.
    #[track_caller]
    pub fn new(may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno> {
        Ok(Self { raw: P::new_object(may_sleep)?, base: PageOffset::ZERO, count: PageCount::new(usize::MAX) })
    }

    /// `count` pages of it from `first` on, as an object of their own, whose page offsets begin with zero: one of several
    /// that a file shows (the "fake offset" of `drm_vma_manager.c`).
    ///
    /// Its mappings are [rebased](crate::MmapCtx::rebase) to it. Then every hook, handle and unmapping counts from where
    /// it begins, and none reaches over its end. In the kernel nothing changes: `vm_pgoff` counts from the start of the
    /// file, because unmapping searches by it.
    ///
    /// # Errors
    /// EINVAL for a part without pages, or one that is not all in the object.
    #[doc(alias = "drm_vma_offset_add")]
    pub fn part(&self, first: PageOffset, count: PageCount) -> Result<Self, Errno> {
        let room = self.count.get().checked_sub(first.index()).ok_or(Errno::EINVAL)?;
        if count == PageCount::ZERO || count.get() > room {
            return Err(Errno::EINVAL);
        }
        let base = self.base.checked_add(PageCount::new(first.index())).ok_or(Errno::EINVAL)?;
        base.checked_add(count).ok_or(Errno::EINVAL)?;
        Ok(Self { raw: self.raw.clone(), base, count })
    }

    /// Where it begins in what the file shows: zero, if it is not a [`part`](Self::part).
    #[must_use]
    pub const fn base(&self) -> PageOffset {
        self.base
    }

    /// Whether it shows at a page offset of the file: what to look for in a mmap hook.
    #[must_use]
    pub fn contains(&self, at: PageOffset) -> bool {
        self.page_at(at).is_some()
    }

    /// Which page of it shows at a page offset of the file.
    pub(crate) fn page_at(&self, at: PageOffset) -> Option<PageCount> {
        at.checked_since(self.base).filter(|page| *page < self.count)
    }

    /// Whether a mapping of these pages of the file can count from where this begins. From the file's own beginning any
    /// can, however far it reaches.
    pub(crate) fn can_be_counted_from(&self, shown: PageRange) -> bool {
        let room = shown.start.checked_since(self.base).and_then(|first| self.count.get().checked_sub(first.get()));
        self.base == PageOffset::ZERO || room.is_some_and(|room| shown.page_count() <= room)
    }

    /// How many pages it has. What is not a [`part`](Self::part) has as many as can be counted.
    #[must_use]
    pub const fn page_count(&self) -> PageCount {
        self.count
    }

    /// For platforms: the platform's own object behind this.
    #[must_use]
    pub const fn platform_object(&self) -> &P::Object {
        &self.raw
    }

    /// Takes out of every mapping what there is now of `count` pages of the object, from `first` on
    /// (`unmap_mapping_range`). The next touch faults, **and may bring it back before this has returned**. Private
    /// copies stay: they are their user's own.
    ///
    /// So it revokes nothing, moves nothing and frees nothing: [`Revocable`](crate::Revocable) does, and
    /// [`PageLock::unmap`](crate::PageLock::unmap). It is for who only wants to see the next touches, and for a driver
    /// with a lock of its own that its faults hold until the page is in. What a mmap hook has inserted it does not find
    /// before that hook has returned.
    ///
    /// It takes no mmap lock, so it may be called with a lock held that fault hooks take. When it returns, no access
    /// that began before is under way any more.
    #[doc(alias = "unmap_mapping_range")]
    #[track_caller]
    pub fn unmap_once(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) {
        let room = self.count.get().saturating_sub(first.index());
        let count = PageCount::new(count.get().min(room));
        // Linux takes a count of zero for all pages behind `first`.
        if count == PageCount::ZERO {
            return;
        }
        // Can be counted, because a part can.
        if let Some(first) = self.base.checked_add(PageCount::new(first.index())) {
            P::unmap_mapping_range(&self.raw, first, count, may_sleep);
        }
    }
}

impl<P: Platform> Clone for SharedObject<P> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), base: self.base, count: self.count }
    }
}

// What it refuses, with what to write instead.
include!("refused/shared_object.rs");
