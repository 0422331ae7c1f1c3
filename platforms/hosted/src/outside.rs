//! The raw operations outside hooks: on an established mapping, and of whoever is in a system call.

use vmctx::Errno;

use crate::{
    atomic::might_sleep,
    established::{Caller, EstablishedVma},
    insert::Area,
    paged::Paged,
    report::MightSleep,
};

/// The raw operations of [`Platform`](vmctx::Platform) that insert.
impl<P: Paged> EstablishedVma<P> {
    #[track_caller]
    fn area(&self, address: usize) -> Result<Area<'_, P>, Errno> {
        might_sleep(MightSleep::Insertion);
        Ok(Area::of(self.vma_at(address).ok_or(Errno::EFAULT)?))
    }

    /// `established_insert_page`
    ///
    /// # Errors
    /// As [`Platform::established_insert_page`](vmctx::Platform::established_insert_page).
    #[track_caller]
    pub fn insert_page(&self, address: usize, page: &P::Page) -> Result<(), Errno> {
        self.area(address)?.insert_page(address, page)
    }

    /// `established_insert_zero_page`
    ///
    /// # Errors
    /// As [`Platform::established_insert_zero_page`](vmctx::Platform::established_insert_zero_page).
    #[track_caller]
    pub fn insert_zero_page(&self, address: usize) -> Result<(), Errno> {
        self.area(address)?.insert_zero_page(address)
    }

    /// `established_insert_pfn`
    ///
    /// # Errors
    /// As [`Platform::established_insert_pfn`](vmctx::Platform::established_insert_pfn).
    #[track_caller]
    pub fn insert_pfn(&self, address: usize, pfn: u64) -> Result<(), Errno> {
        let area = self.area(address)?;
        area.insert_pfn(address, pfn, area.prot)
    }

    /// `established_insert_mixed`
    ///
    /// # Errors
    /// As [`Platform::established_insert_mixed`](vmctx::Platform::established_insert_mixed).
    #[track_caller]
    pub fn insert_mixed(&self, address: usize, pfn: u64) -> Result<(), Errno> {
        self.area(address)?.insert_mixed(address, pfn, false)
    }
}

/// The raw operations of [`Platform`](vmctx::Platform) on pages.
impl<P: Paged> Caller<P> {
    /// `caller_lock_page`
    #[track_caller]
    pub fn lock_page(&self, page: &P::Page) {
        might_sleep(MightSleep::PageLock);
        page.lock();
    }

    /// `caller_unlock_page`
    ///
    /// # Safety
    /// This caller has locked the page with [`lock_page`](Self::lock_page), and has not unlocked it since.
    #[expect(unsafe_code, reason = "who has locked a page cannot be checked")]
    pub unsafe fn unlock_page(&self, page: &P::Page) {
        // SAFETY: by this function's contract.
        unsafe { page.unlock() };
    }
}
