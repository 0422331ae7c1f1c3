//! A peer's memory as it is filled: what a driver has inserted is copied there.
//!
//! As long as the peer changes its mappings, and that event was not read, every request fails with EAGAIN (`man
//! ioctl_userfaultfd`). What it gives back is taken from it as soon as that was read. So nothing may be copied that was
//! decided on before: whoever reads has the lock on the places for write, and whoever copies for read.

use std::{
    collections::VecDeque,
    mem,
    ops::{ControlFlow, Range},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use crate::{
    error::RawErrno,
    kernel::{
        fill::{self, FillError},
        ioctl::{self, Filled},
        messages::{self, Message},
        sys::{self, PAGE_SIZE},
        userfaultfd::Userfaultfd,
    },
};

use super::{
    places::Places,
    regions::Regions,
    removed::Removed,
    runs::{Run, Source},
    statistics::{PeerCounters, count},
};

/// The memory of a peer.
pub(crate) struct Target {
    pub(crate) uffd: Arc<Userfaultfd>,
    pub(crate) places: RwLock<Places>,
    /// How often something was given back.
    changes: AtomicU64,
    regions: Regions,
    removed: Removed,
    pub(crate) counters: PeerCounters,
}

/// How often it is tried to poison a region whose process changes its mappings, or for which there is no memory. Each of the
/// former is many requests.
const POISON_TRIES: usize = 1000;

/// How many parts of a region are looked at for what is registered there.
const POISON_REQUESTS: usize = 1 << 18;

/// Why a run was not copied to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotCopied {
    /// The peer has given a page of it back since it was decided what is there.
    Changed,
    /// The peer changes its mappings, and that event was not read yet.
    Busy,
    /// The process has gone.
    Gone,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// It is there, and whoever waited was woken.
    Filled,
    /// Something was there already. Whoever waited was woken.
    Present,
    Failed(FillError),
}

impl Target {
    pub(crate) fn new(uffd: Arc<Userfaultfd>, regions: Regions) -> Self {
        Self {
            uffd,
            places: RwLock::new(Places::new(regions.places())),
            changes: AtomicU64::new(0),
            removed: regions.removed(),
            regions,
            counters: PeerCounters::default(),
        }
    }

    /// How often something was given back so far: to be asked before it is decided what is copied.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Whether a page, by its first address, was given back.
    #[inline]
    pub(crate) fn is_removed(&self, first: usize) -> bool {
        // Most peers give nothing back.
        self.changes() != 0 && self.removed.contains_any(self.regions.pages_at(first..first + PAGE_SIZE), 0)
    }

    /// The first address from `at` on, in a run that is not of zeros, whose page was given back.
    pub(crate) fn first_removed(&self, run: &Run, at: usize) -> Option<usize> {
        let mut pages = (at..run.first.end).step_by(PAGE_SIZE).filter(|_| run.source != Source::Zero);
        pages.find(|first| self.is_removed(*first))
    }

    /// The peer has given back what is at these addresses now. `places` is the lock's.
    pub(crate) fn note_removed(&self, places: &Places, now: &Range<usize>) {
        // Nobody else counts meanwhile: that takes the lock for write.
        let change = self.changes() + 1;
        for first in places.first_ranges(now) {
            let pages = self.regions.pages_at(first);
            self.counters.removed.fetch_add(pages.len() as u64, Ordering::Relaxed);
            self.removed.add(pages, change);
        }
        // Who sees this sees what was given back.
        self.changes.store(change, Ordering::Release);
    }

    /// Copies a run, from the first address `*at` on, and moves `*at` on. What became of which pages `each` is told, and says
    /// whether to go on. What was decided `since` is not copied where it may be wrong by now; without that, nothing that was
    /// given back is.
    #[inline]
    pub(crate) fn copy(
        &self,
        run: &Run,
        at: &mut usize,
        since: Option<u64>,
        mut each: impl FnMut(Range<usize>, Page) -> ControlFlow<()>,
    ) -> Result<(), NotCopied> {
        let places = self.places.read();
        if since != Some(self.changes()) && run.source != Source::Zero {
            let pages = self.regions.pages_at(*at..run.first.end);
            if self.removed.contains_any(pages, since.unwrap_or(0)) {
                return Err(NotCopied::Changed);
            }
        }
        let fd = self.uffd.fd().map_err(|_| NotCopied::Gone)?;
        while let Some((now, first)) = places.next(&(*at..run.first.end)) {
            *at = first.start;
            if self.copy_piece(fd, run, &now, at, &mut each)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Copies what is at these addresses now.
    #[inline]
    fn copy_piece(
        &self,
        fd: &OwnedFd,
        run: &Run,
        now: &Range<usize>,
        at: &mut usize,
        each: &mut impl FnMut(Range<usize>, Page) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, NotCopied> {
        let mut rest = now.clone();
        let mut most = usize::MAX;
        while !rest.is_empty() {
            let part = rest.start..rest.end.min(rest.start.saturating_add(most));
            let Filled { done, result } = match run.source {
                Source::Memory(from) => ioctl::copy(fd, &part, from + (*at - run.first.start)),
                Source::Zero => ioctl::map_zero_page(fd, &part),
            };
            let done = done & !(PAGE_SIZE - 1);
            let page = if done != 0 {
                let counter = if run.source == Source::Zero { &self.counters.zeroed } else { &self.counters.copied };
                counter.fetch_add((done / PAGE_SIZE) as u64, Ordering::Relaxed);
                Page::Filled
            } else {
                match result {
                    // A success that did nothing would be repeated for ever.
                    Ok(()) => Page::Failed(FillError::Refused(RawErrno::IO)),
                    Err(RawErrno::AGAIN) => {
                        count(&self.counters.put_off);
                        return Err(NotCopied::Busy);
                    }
                    Err(RawErrno::SRCH) => return Err(NotCopied::Gone),
                    Err(RawErrno::EXIST) => {
                        // Somebody was first, and may not have woken whoever waits.
                        let _ = ioctl::wake(fd, &(rest.start..rest.start + PAGE_SIZE));
                        count(&self.counters.already_present);
                        Page::Present
                    }
                    // The kernel does only what lies in one mapping of its own: page by page, then.
                    Err(RawErrno::NOENT) if part.len() > PAGE_SIZE => {
                        most = PAGE_SIZE;
                        continue;
                    }
                    Err(RawErrno::NOENT) => Page::Failed(FillError::NotRegistered),
                    Err(RawErrno::NOMEM) => Page::Failed(FillError::OutOfMemory),
                    Err(errno) => Page::Failed(FillError::Refused(errno)),
                }
            };
            let done = done.max(PAGE_SIZE);
            let pages = *at..*at + done;
            *at += done;
            rest.start += done;
            if each(pages, page).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether what was at an address, by its first one, has moved from there.
    pub(crate) fn has_moved(&self, now: usize, first: usize) -> bool {
        // Most peers move nothing.
        self.counters.moved.load(Ordering::Relaxed) != 0 && self.places.read().first_of(now) != Some(first)
    }

    /// Has whoever waits at a page repeat the access.
    pub(crate) fn wake(&self, now: &Range<usize>) {
        if let Ok(fd) = self.uffd.fd() {
            // It fails only for a range that is none.
            let _ = ioctl::wake(fd, now);
        }
    }

    /// What the peer has given back.
    pub(crate) fn removed(&self) -> Removed {
        self.removed.clone()
    }

    /// Makes every access a SIGBUS where nothing is.
    ///
    /// # Errors
    /// What the kernel refuses for good: whoever waits there waits on, as long as the userfaultfd is open. Then the kernel
    /// hands out zeros.
    pub(crate) fn poison_all(&self) -> Result<(), FillError> {
        let fd = self.uffd.fd().map_err(FillError::of_call)?;
        let places: Vec<Range<usize>> = self.places.read().all().collect();
        let mut result = Ok(());
        for now in places {
            let mut poisoned = poison(fd, &now);
            for _ in 1..POISON_TRIES {
                // Each try waits for a while.
                if !matches!(poisoned, Err(FillError::Busy | FillError::OutOfMemory)) {
                    break;
                }
                poisoned = poison(fd, &now);
            }
            match poisoned {
                Ok(()) | Err(FillError::NotRegistered) => {}
                Err(FillError::ProcessGone) => return Ok(()),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    /// Makes every access to a page a SIGBUS that is nowhere, and wakes whoever waits. `let_it_change` is called while the
    /// peer changes its mappings, and says whether to go on.
    pub(crate) fn poison(
        &self,
        now: &Range<usize>,
        mut let_it_change: impl FnMut() -> ControlFlow<()>,
    ) -> Result<(), FillError> {
        let fd = self.uffd.fd().map_err(FillError::of_call)?;
        loop {
            match poison(fd, now) {
                Err(FillError::Busy) if let_it_change().is_continue() => {}
                poisoned => return poisoned,
            }
        }
    }
}

/// Makes every access to these addresses a SIGBUS where nothing is, and wakes whoever waits. What is not registered there is
/// passed over, unless that is all.
///
/// # Errors
/// What the kernel refuses; E2BIG if that took too many requests.
pub(crate) fn poison(fd: &OwnedFd, now: &Range<usize>) -> Result<(), FillError> {
    struct Wakes<'a>(&'a OwnedFd);
    impl fill::Progress for Wakes<'_> {
        fn done(&mut self, _: Range<usize>) {}

        fn present(&mut self, page: Range<usize>) {
            let _ = ioctl::wake(self.0, &page);
        }
    }
    // The kernel does only what lies in one mapping of its own: by halves, then, the large ones first. How much is said to
    // be registered is the peer's word, and looking for what is takes a request for each page where nothing is.
    let mut ranges = VecDeque::from([now.clone()]);
    let mut result = Err(FillError::NotRegistered);
    for _ in 0..POISON_REQUESTS {
        let Some(range) = ranges.pop_front() else { return result };
        let poison = |rest: &Range<usize>| ioctl::poison(fd, rest);
        let poisoned = fill::fill_range(range.clone(), PAGE_SIZE, poison, &mut Wakes(fd));
        let done = poisoned.map_or_else(|(at, _)| at, |()| range.end);
        if done > range.start && result == Err(FillError::NotRegistered) {
            result = Ok(());
        }
        match poisoned {
            Ok(()) => {}
            // EINVAL is for a range that reaches behind the user's addresses.
            Err((_, FillError::NotRegistered | FillError::Refused(RawErrno::INVAL))) => {
                let rest = done..range.end;
                if rest.len() > PAGE_SIZE {
                    let middle = rest.start + ((rest.len() / 2) & !(PAGE_SIZE - 1));
                    ranges.extend([rest.start..middle, middle..rest.end]);
                }
            }
            Err((_, FillError::ProcessGone)) => return Err(FillError::ProcessGone),
            Err((_, error)) if matches!(result, Ok(()) | Err(FillError::NotRegistered)) => result = Err(error),
            Err(_) => {}
        }
    }
    Err(FillError::Refused(RawErrno::TOOBIG))
}

/// Closes the userfaultfd of a child of the peer's, which nobody serves: what is nowhere is a SIGBUS there, and no zeros. If
/// that cannot be done it stays open, for ever.
///
/// The child runs meanwhile. If it changes its mappings, it waits until that was read, and nothing can be poisoned before.
pub(crate) fn close_off(fd: OwnedFd, places: Vec<Range<usize>>) -> Result<(), FillError> {
    let mut result = Ok(());
    let mut open = vec![(fd, places)];
    while let Some((fd, mut places)) = open.pop() {
        let closed = poison_child(&fd, &mut places, &mut open);
        if closed.is_err() {
            mem::forget(fd);
            result = closed;
        }
    }
    result
}

/// Poisons the places of one child. Where it moves them is one more place, and its own children are to be closed off, too.
fn poison_child(
    fd: &OwnedFd,
    places: &mut Vec<Range<usize>>,
    children: &mut Vec<(OwnedFd, Vec<Range<usize>>)>,
) -> Result<(), FillError> {
    // It has the flags that its parent's was opened with.
    sys::set_nonblocking(fd).map_err(FillError::of_call)?;
    let (mut next, mut tries) = (0, 0);
    while let Some(now) = places.get(next).cloned() {
        match poison(fd, &now) {
            Ok(()) | Err(FillError::NotRegistered) => next += 1,
            // No memory is left that anybody could touch.
            Err(FillError::ProcessGone) => break,
            Err(FillError::Busy) if tries < POISON_TRIES => {
                tries += 1;
                // Nothing to read is no error: what was read the child may still be about to do.
                let _ = messages::read(fd, messages::MOST, |message| match message {
                    Message::Moved { from, to } => places.push(to..to.saturating_add(from.len())),
                    Message::Forked(child) => children.push((child, places.clone())),
                    Message::Fault { .. } | Message::Removed(_) | Message::Unmapped(_) | Message::Unknown => {}
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
