//! References to pages, and who has locked them.

use std::sync::atomic::{AtomicUsize, Ordering};

use vmctx_hosted::waiting;

use super::Frames;

impl Frames {
    pub(super) fn references_of(&self, pfn: u64) -> Option<&AtomicUsize> {
        self.references.get(usize::try_from(self.place(pfn)).ok()?)
    }

    /// How many references to a page there are.
    pub(crate) fn references(&self, pfn: u64) -> usize {
        self.references_of(pfn).map_or(0, |references| references.load(Ordering::Acquire))
    }

    /// One more reference to a page of which the caller has one.
    #[inline]
    pub(crate) fn get(&self, pfn: u64) {
        if let Some(references) = self.references_of(pfn) {
            references.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One more reference to a page, unless it is free (`get_page_unless_zero`). Whether there is one.
    pub(crate) fn get_unless_free(&self, pfn: u64) -> bool {
        let more = |references: usize| if references == 0 { None } else { Some(references + 1) };
        let Some(references) = self.references_of(pfn) else { return false };
        references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    /// Puts a reference; the last one frees the page.
    pub(crate) fn put(&self, pfn: u64) {
        let Some(references) = self.references_of(pfn) else { return };
        // In a child of fork the lock may be held by a thread that is not there.
        if references.fetch_sub(1, Ordering::AcqRel) == 1 && self.is_here() {
            self.free(pfn);
        }
    }

    fn free(&self, pfn: u64) {
        if self.free.lock().put(pfn) {
            // Whoever takes it next finds zeros, either way.
            let punched = self.punch(&(pfn..pfn + 1));
            if punched.is_err() {
                self.clear(pfn);
            }
            self.free.lock().forget(pfn, punched.is_err());
        }
    }

    /// `lock_page`
    pub(crate) fn lock(&self, pfn: u64) {
        if !self.locked.lock().insert(pfn) {
            waiting::wait(|| {
                let mut locked = self.locked.lock();
                while !locked.insert(pfn) {
                    self.unlocked.wait(&mut locked);
                }
            });
        }
    }

    /// `unlock_page`
    pub(crate) fn unlock(&self, pfn: u64) {
        self.locked.lock().remove(&pfn);
        self.unlocked.notify_all();
    }
}
