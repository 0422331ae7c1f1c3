//! All the mappings of one object.

use crate::{
    errno::Errno,
    platform::Platform,
    sleep::MaySleep,
    units::{PageCount, PageOffset},
};

/// All the mappings of one object, in every process (`struct address_space`): what unmapping reaches.
///
/// A file says whose mappings its own are: [`MmapFile::object`](crate::MmapFile::object). Clones are of the same
/// object. A driver that takes memory back from its users gives it to the [`Revocable`](crate::Revocable), which unmaps
/// under the lock that faults take; a page that is truncated or written back is unmapped by its
/// [lock](crate::PageLock::unmap).
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
    pub fn unmap_once(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) {
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

// What it refuses, with what to write instead.
include!("refused/shared_object.rs");
