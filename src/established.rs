//! Established mappings, reached from outside their hooks.

use core::{iter, marker::PhantomData, ops::Range};

use crate::{
    errno::{Errno, InsertPagesError},
    frame::Frame,
    kind::{HoldsFrames, HoldsMixed, HoldsPages},
    ops::VmOperations,
    platform::Platform,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset, UserAddr},
};

/// An established mapping, with its process's mmap lock held for read: from [`Handle::lock`](crate::Handle::lock), or
/// from [`UnlockedCtx::find`](crate::UnlockedCtx::find). Dropping it gives the lock back.
///
/// Locks: it holds the mmap lock for read itself. May sleep. Insertion answers `Result<(), Errno>`. Nothing here
/// answers a hook, so operations take `&self`. Slots are named by their page offset in the object, and are found where
/// the mapping was cut or moved, too.
///
/// ```
/// use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};
///
/// /// An ioctl that shows the user one page more.
/// fn show<P: Platform>(
///     unlocked: &mut UnlockedCtx<'_, P>,
///     mapping: &Handle<P, Mixed>,
///     at: PageOffset,
///     page: &P::Page,
/// ) -> Result<(), Errno> {
///     let established = mapping.lock(unlocked)?;
///     established.insert_page(at, page)
/// }
/// ```
pub struct EstablishedCtx<'l, P: Platform, M> {
    vma: Held<P::EstablishedVma>,
    /// From where on page offsets count.
    base: PageOffset,
    brand: Invariant<'l>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

/// Makes the token. Not an associated function of [`EstablishedCtx`], which rustc would suggest to whoever tries a
/// literal.
pub(crate) fn established<'l, P: Platform, M>(vma: P::EstablishedVma, base: PageOffset) -> EstablishedCtx<'l, P, M> {
    EstablishedCtx { vma: Held(vma), base, brand: PhantomData, kind: PhantomData, _thread: OneThread::MARK }
}

/// The platform's value gives the lock back when it is dropped. This impl is empty and tells rustc that the
/// `UnlockedCtx` stays borrowed until then: without it the borrow could end before the lock does.
impl<P: Platform, M> Drop for EstablishedCtx<'_, P, M> {
    fn drop(&mut self) {}
}

impl<P: Platform, M> EstablishedCtx<'_, P, M> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// The state of the mapping, if it is a `V`. It says whose mapping this is.
    #[must_use]
    pub fn state<V: VmOperations<Platform = P>>(&self) -> Option<&V> {
        P::established_state(&self.vma.0)
    }

    /// The page of the object that shows at an address, or `None` if another mapping is there, or nothing.
    #[must_use]
    pub fn pgoff_of(&self, address: UserAddr) -> Option<PageOffset> {
        Some(P::established_pgoff(&self.vma.0, address)?.counted_from(self.base))
    }

    /// The addresses of this slot and of those behind it that lie together.
    fn slots(&self, at: PageOffset) -> Result<Range<usize>, Errno> {
        slots_from::<P>(&self.vma.0, self.base, at)
    }

    /// Inserts a page (`vm_insert_page`). The mapping takes a reference of its own.
    ///
    /// # Errors
    /// EFAULT if the mapping has no such slot, EBUSY if something is there already, ENOMEM without a page table, EINVAL
    /// for a page that may not be mapped.
    #[doc(alias = "vm_insert_page")]
    #[track_caller]
    pub fn insert_page(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno>
    where
        M: HoldsPages,
    {
        P::established_insert_page(&self.vma.0, self.slots(at)?.start, page)
    }

    /// Inserts the zero page. As [`insert_page`](Self::insert_page), and EINVAL in a shared mapping that is writable or
    /// may become so.
    ///
    /// # Errors
    /// See above.
    #[track_caller]
    pub fn insert_zero_page(&self, at: PageOffset) -> Result<(), Errno>
    where
        M: HoldsPages,
    {
        P::established_insert_zero_page(&self.vma.0, self.slots(at)?.start)
    }

    /// Inserts pages into the slots from `at` on, in one go (`vm_insert_pages`), and says how many went in. Slots that
    /// are filled already keep what they have and are passed over: they are as many as are missing from `pages.len()`.
    /// (`vm_insert_pages` of `mm/memory.c` stops at such a slot with EBUSY, and is called again behind it.)
    ///
    /// # Errors
    /// Of the first page that could not be inserted: EFAULT if the mapping has no such slot, ENOMEM without a page
    /// table, EINVAL for a page that may not be mapped; and how many are in before it. Those stay, and none behind it
    /// was tried.
    #[doc(alias = "vm_insert_pages")]
    #[track_caller]
    pub fn insert_pages(&self, at: PageOffset, pages: &[P::Page]) -> Result<PageCount, InsertPagesError>
    where
        M: HoldsPages,
    {
        // How many slots are done with, and how many of them were filled here.
        let (mut done, mut inserted) = (0, 0);
        while let Some(rest) = pages.get(done..).filter(|rest| !rest.is_empty()) {
            let next = at.checked_add(PageCount::new(done)).ok_or(Errno::EOVERFLOW);
            let (errno, more) = match next.and_then(|next| self.slots(next)) {
                Ok(slots) => {
                    let fitting = rest.len().min(slots.len() >> P::PAGE_SHIFT);
                    let rest = rest.get(..fitting).unwrap_or(rest);
                    match P::established_insert_pages(&self.vma.0, slots.start, rest) {
                        Ok(()) => {
                            inserted += fitting;
                            done += fitting;
                            continue;
                        }
                        Err(stopped) => stopped,
                    }
                }
                Err(errno) => (errno, 0),
            };
            inserted += more;
            done += more;
            if errno != Errno::EBUSY {
                let already_present = PageCount::new(done - inserted);
                return Err(InsertPagesError { errno, inserted: PageCount::new(inserted), already_present });
            }
            // Over the slot that is filled.
            done += 1;
        }
        Ok(PageCount::new(inserted))
    }

    /// Runs `insert` with the state of the mapping, if it is a `V`, and with what inserts frames: by number, borrowed
    /// from that state ([G21](crate::guide::guarantees#g21)). `None` if it is not a `V`.
    ///
    /// Frames that the closure has from anybody else than the state do not compile, because it is good for any lifetime
    /// `'s`: a frame of a lock's guard or of another file may be given to somebody else while users have it mapped.
    ///
    /// ```
    /// use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, VmOperations};
    ///
    /// struct Bar<P: Platform> {
    ///     memory: P::Iomem,
    /// }
    ///
    /// impl<P: Platform> VmOperations for Bar<P> {
    ///     type Platform = P;
    ///     type Kind = PfnMap;
    /// }
    ///
    /// fn show<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, page: PageOffset) -> Result<(), Errno> {
    ///     let shown = established.with_state(|bar: &Bar<P>, slots| {
    ///         slots.insert_pfn(page, bar.memory.frame(page).ok_or(Errno::ENXIO)?)
    ///     });
    ///     shown.unwrap_or(Err(Errno::EINVAL))
    /// }
    /// ```
    #[must_use = "`None`: the mapping has a state of another type; else it is what the insertion gave"]
    pub fn with_state<V: VmOperations<Platform = P>, R>(
        &self,
        insert: impl for<'s> FnOnce(&'s V, FrameSlots<'s, P, M>) -> R,
    ) -> Option<R> {
        let state = P::established_state(&self.vma.0)?;
        Some(insert(
            state,
            FrameSlots {
                vma: Held(&self.vma.0),
                base: self.base,
                brand: PhantomData,
                kind: PhantomData,
                _thread: OneThread::MARK,
            },
        ))
    }

    /// Takes away what is mapped of `count` pages of the object from `first` on (`zap_page_range_single`), private copies
    /// too, wherever the mapping shows them; the next touch faults. Slots that the mapping does not have are passed over.
    #[doc(alias("zap_vma_ptes", "zap_page_range_single", "zap_vma_range"))]
    #[track_caller]
    pub fn zap(&self, first: PageOffset, count: PageCount) {
        for addresses in self.slots_of(first, count) {
            P::established_zap(&self.vma.0, addresses);
        }
    }

    /// Takes the right to write from what is mapped of `count` pages of the object from `first` on, so that the next
    /// store to each asks [`page_mkwrite`](crate::Hooks::page_mkwrite) or [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite)
    /// anew. Where a platform cannot do only that, it zaps them: the next load then faults as well. It happens wherever
    /// the mapping shows the pages; private copies, of which nobody is told, stay.
    #[doc(alias("pfn_mkclean_range", "clean_record_shared_mapping_range"))]
    #[track_caller]
    pub fn write_protect(&self, first: PageOffset, count: PageCount) {
        for addresses in self.slots_of(first, count) {
            P::established_write_protect(&self.vma.0, addresses);
        }
    }

    /// The addresses of these pages' slots, run by run.
    fn slots_of(&self, first: PageOffset, count: PageCount) -> impl Iterator<Item = Range<usize>> {
        let first = self.base.index().saturating_add(first.index());
        let end = first.saturating_add(count.get());
        let mut at = PageOffset::new(first);
        iter::from_fn(move || {
            let (found, slots) = P::established_slots(&self.vma.0, at).filter(|(found, _)| found.index() < end)?;
            let pages = (slots.len() >> P::PAGE_SHIFT).min(end - found.index());
            at = PageOffset::new(found.index().saturating_add(pages));
            Some(slots.start..slots.start + (pages << P::PAGE_SHIFT))
        })
    }
}

/// The addresses of a slot and of those behind it that lie together.
fn slots_from<P: Platform>(vma: &P::EstablishedVma, base: PageOffset, at: PageOffset) -> Result<Range<usize>, Errno> {
    let at = base.checked_add(PageCount::new(at.index())).ok_or(Errno::EFAULT)?;
    match P::established_slots(vma, at) {
        Some((found, slots)) if found == at => Ok(slots),
        _ => Err(Errno::EFAULT),
    }
}

/// What inserts frames into an established mapping that are borrowed from its state: from
/// [`EstablishedCtx::with_state`].
///
/// ```
/// use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, VmOperations};
///
/// struct Bar<P: Platform>(P::Iomem);
///
/// impl<P: Platform> VmOperations for Bar<P> {
///     type Platform = P;
///     type Kind = PfnMap;
/// }
///
/// /// The frame borrows from the state of the mapping, so it is looked up beside it.
/// fn show_first<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
///     let shown = established.with_state(|bar: &Bar<P>, slots| {
///         let first = PageOffset::ZERO;
///         slots.insert_pfn(first, bar.0.frame(first).ok_or(Errno::ENXIO)?)
///     });
///     // `None`: another driver's mapping.
///     shown.unwrap_or(Err(Errno::EINVAL))
/// }
/// ```
pub struct FrameSlots<'s, P: Platform, M> {
    vma: Held<&'s P::EstablishedVma>,
    base: PageOffset,
    brand: Invariant<'s>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

impl<'s, P: Platform, M> FrameSlots<'s, P, M> {
    /// Inserts a frame by number (`vmf_insert_pfn`, whose answer is translated by the platform). No reference is taken.
    ///
    /// # Errors
    /// EFAULT if the mapping has no such slot, ENOMEM without a page table, EINVAL for a frame that may not be mapped;
    /// EBUSY if something is there already, where the platform can tell.
    #[doc(alias = "vmf_insert_pfn")]
    #[track_caller]
    pub fn insert_pfn(&self, at: PageOffset, frame: Frame<'s, P>) -> Result<(), Errno>
    where
        M: HoldsFrames,
    {
        P::established_insert_pfn(self.vma.0, slots_from::<P>(self.vma.0, self.base, at)?.start, frame.pfn())
    }

    /// Inserts a frame that may have a page behind it (`vmf_insert_mixed`).
    ///
    /// # Errors
    /// As [`insert_pfn`](Self::insert_pfn).
    #[doc(alias = "vmf_insert_mixed")]
    #[track_caller]
    pub fn insert_mixed(&self, at: PageOffset, frame: Frame<'s, P>) -> Result<(), Errno>
    where
        M: HoldsMixed,
    {
        P::established_insert_mixed(self.vma.0, slots_from::<P>(self.vma.0, self.base, at)?.start, frame.pfn())
    }
}

// What it refuses, with what to write instead.
include!("refused/established.rs");

// What it has in C under another name.
use self::EstablishedCtx as Token;
include!("common/c_names.rs");
