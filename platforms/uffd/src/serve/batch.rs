//! Events that were read at once, and answers of which the kernel is told together.
//!
//! Whoever is woken may take the processor from the thread that serves. The sooner it does, the longer all others wait
//! whose faults were read together with its own. So the hooks of all of them are called first, and then all are woken, as
//! long as the hooks are quick.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    time::Duration,
};

use crate::{
    kernel::{event::Event, sys::page_of, userfaultfd::Userfaultfd},
    mm::address_space::LockedVma,
};

use super::{shared::Shared, waiters::Waiters};

/// How long the faults of one batch may wait for each other's hooks.
pub(crate) const QUICK: Duration = Duration::from_micros(100);
/// After batches that took longer, the kernel is told of answers one by one for a while: for at most so many batches.
const MOST_ONE_BY_ONE: u32 = 64;

/// A thread that serves, at one of the events that it has read at once.
pub(crate) struct Batch<'a> {
    /// No other thread serves meanwhile.
    pub(crate) alone: Cell<bool>,
    /// The events that come next.
    rest: &'a [Event],
    /// Whether the rest was left to other threads.
    rest_is_left: Cell<bool>,
    /// If the kernel is told of answers together.
    deferred: Option<&'a Deferred<'a>>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(alone: bool, rest: &'a [Event], deferred: Option<&'a Deferred<'a>>) -> Self {
        Self { alone: Cell::new(alone), rest, rest_is_left: Cell::new(false), deferred }
    }

    /// A thread that serves a fault of its own.
    pub(crate) fn of_one() -> Self {
        Self::new(true, &[], None)
    }

    /// Leaves the events that come next to other threads: whoever waits repeats its access, and so there are new events
    /// of them.
    pub(crate) fn leave_rest(&self, uffd: &Userfaultfd) {
        if !self.rest_is_left.replace(true) {
            for event in self.rest {
                // It fails only for a range that is none.
                let _ = uffd.wake(&page_of(event.address));
            }
        }
    }

    /// Whether the events that come next were left to other threads.
    pub(crate) fn rest_is_left(&self) -> bool {
        self.rest_is_left.get()
    }

    /// Whether the kernel is told of an answer together with others, later.
    #[inline]
    pub(crate) fn defers(&self) -> bool {
        self.deferred.is_some() && self.alone.get()
    }

    /// Defers an answer.
    pub(crate) fn defer(&self, answer: DeferredAnswer) {
        if let Some(deferred) = self.deferred {
            deferred.answers.borrow_mut().push(answer);
        }
    }

    /// Tells the kernel of the answers that were deferred. To be called before the lock is released that was held when
    /// the faults were answered.
    pub(crate) fn flush(&self, locked: &LockedVma<'_>) {
        if let Some(deferred) = self.deferred {
            deferred.flush(locked);
        }
    }
}

/// A fault that was answered, and of which the kernel is not told yet.
pub(crate) struct DeferredAnswer {
    pub(crate) address: usize,
    /// Where something was inserted for it.
    pub(crate) inserted: Range<usize>,
}

/// The answers of a thread of which the kernel is not told yet, and whether deferring has been quick enough.
pub(crate) struct Deferred<'a> {
    shared: &'a Shared,
    answers: RefCell<Vec<DeferredAnswer>>,
    /// For how many batches more the kernel is told of answers one by one.
    one_by_one: Cell<u32>,
    /// For how many it was, the last time.
    last_one_by_one: Cell<u32>,
}

impl<'a> Deferred<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared, answers: RefCell::default(), one_by_one: Cell::new(0), last_one_by_one: Cell::new(0) }
    }

    /// Whether the answers of the next batch are deferred.
    pub(crate) fn is_tried(&self) -> bool {
        let one_by_one = self.one_by_one.get();
        self.one_by_one.set(one_by_one.saturating_sub(1));
        one_by_one == 0
    }

    /// Notes whether deferring the answers of a batch went well.
    pub(crate) fn note(&self, well: bool) {
        let last = self.last_one_by_one.get();
        if well {
            self.last_one_by_one.set(last / 2);
        } else {
            self.last_one_by_one.set((last * 2).clamp(1, MOST_ONE_BY_ONE));
            self.one_by_one.set(self.last_one_by_one.get());
        }
    }

    /// Tells the kernel of all answers, under the lock that was held when they were given.
    pub(crate) fn flush(&self, locked: &LockedVma<'_>) {
        if !self.tell(&mut self.answers.borrow_mut(), locked) {
            self.note(false);
        }
    }

    /// Whether all of them went in. The accesses of those that did not are repeated.
    fn tell(&self, answers: &mut Vec<DeferredAnswer>, locked: &LockedVma<'_>) -> bool {
        if answers.is_empty() {
            return true;
        }
        // There is one: the answers are told before the lock is released.
        let Some(vma) = locked.vma() else { return false };
        // Whether each went in is looked at below.
        let _ = locked.table().install(answers.iter().map(|answer| &answer.inserted), vma.flags(), false);
        let mut all = true;
        for DeferredAnswer { address, .. } in answers.drain(..) {
            locked.learn_layout(address);
            if locked.table().is_installed(address) {
                self.shared.refaults.forget(address);
            } else {
                // The kernel has refused it, or it was taken away meanwhile.
                let waiters = Waiters { shared: self.shared, address };
                waiters.end(locked, waiters.repeat());
                all = false;
            }
        }
        all
    }
}
