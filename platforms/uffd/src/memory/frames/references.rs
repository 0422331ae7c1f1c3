//! References to pages, and who has locked them.

use std::ops::Range;

use vmctx_hosted::waiting;

use super::Frames;

impl Frames {
    /// The place of a frame among those that are counted. For others it is none of these.
    fn counted(&self, pfn: u64) -> usize {
        usize::try_from(self.place(pfn)).unwrap_or(usize::MAX)
    }

    /// How many references to a page there are.
    pub(crate) fn references(&self, pfn: u64) -> usize {
        self.references.of(self.counted(pfn))
    }

    /// The first reference to a page that nobody else has.
    pub(super) fn begin(&self, pfn: u64) {
        self.references.begin(self.counted(pfn));
    }

    /// One more reference to a page of which the caller has one.
    #[inline]
    pub(crate) fn get(&self, pfn: u64) {
        self.references.get(self.counted(pfn));
    }

    /// One more reference to each of these pages, of which the caller has one each.
    #[inline]
    pub(crate) fn get_all(&self, frames: &Range<u64>) {
        self.references.get_all(self.counted(frames.start)..self.counted(frames.end));
    }

    /// One more reference to a page, unless it is free (`get_page_unless_zero`). Whether there is one.
    pub(crate) fn get_unless_free(&self, pfn: u64) -> bool {
        self.references.get_unless_none(self.counted(pfn))
    }

    /// Puts a reference; the last one frees the page.
    pub(crate) fn put(&self, pfn: u64) {
        // In a child of fork the lock may be held by a thread that is not there.
        if self.references.put(self.counted(pfn)) && self.is_here() {
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
