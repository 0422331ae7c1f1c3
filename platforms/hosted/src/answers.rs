//! What has happened to drivers, as it is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use vmctx::platform::FaultCode;

use crate::{error::Signal, hook::Hook};

/// Something that has happened, for whoever counts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A page fault: an access that the page table did not allow at once. Each try is one.
    Fault,
    /// A hook of the fault family is called.
    Call(Hook),
    /// What a fault hook has answered.
    Answer(FaultCode),
    /// A hook of the fault family has accounted a major fault.
    MajorFault,
    /// A driver has inserted an entry, at mmap, in a fault or from outside hooks.
    Insertion,
    /// A driver has inserted a large entry.
    HugeInsertion,
    /// An insertion, or a page handed back, has found an entry in place.
    AlreadyPresent,
    /// The core has mapped a page that a handler had handed back, or a private copy of it.
    Delivery,
    /// A page was copied for a store to a private mapping.
    Copy,
    /// A handler asked to repeat the access, and had changed nothing at its address.
    Refault,
    /// A fault is begun anew, after RETRY.
    Retry,
    /// An entry was taken away.
    Unmapped,
    /// A user gets a signal.
    Signal(Signal),
}

/// How often each answer of a fault hook was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers {
    /// Inserted by the hook, or to be repeated.
    pub nopage: u64,
    /// A page handed back, not locked.
    pub page: u64,
    /// A locked page handed back.
    pub locked: u64,
    /// The lock given up, or not to be waited for.
    pub retry: u64,
    /// Out of memory.
    pub oom: u64,
    /// Not to be served.
    pub sigbus: u64,
    /// Broken memory.
    pub hwpoison: u64,
    /// Not allowed.
    pub sigsegv: u64,
}

/// What has happened to drivers, if a platform counts. A copy: take one before and one after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries made, by insertions of drivers and for pages that they have handed back.
    pub inserted: u64,
    /// Insertions, and pages handed back, that found an entry in place.
    pub already_present: u64,
    /// Calls of fault hooks.
    pub handler_calls: u64,
    /// What those answered.
    pub answers: Answers,
}

impl Answers {
    /// These and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            nopage: self.nopage + other.nopage,
            page: self.page + other.page,
            locked: self.locked + other.locked,
            retry: self.retry + other.retry,
            oom: self.oom + other.oom,
            sigbus: self.sigbus + other.sigbus,
            hwpoison: self.hwpoison + other.hwpoison,
            sigsegv: self.sigsegv + other.sigsegv,
        }
    }
}

/// Adds to a counter. Without an atomic addition, which alone takes as long as the rest of an insertion, where this thread
/// is the only one that counts there (`alone`).
#[inline]
pub fn add(counter: &AtomicU64, more: u64, alone: bool) {
    if alone {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    } else {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

/// How often each answer of a fault hook was given, as it is counted.
#[derive(Default)]
pub struct AnswerCounters {
    nopage: AtomicU64,
    page: AtomicU64,
    locked: AtomicU64,
    retry: AtomicU64,
    oom: AtomicU64,
    sigbus: AtomicU64,
    hwpoison: AtomicU64,
    sigsegv: AtomicU64,
}

impl AnswerCounters {
    /// Where an answer is counted: by the first of its codes in the order below, or as a page that was handed back.
    #[inline]
    pub fn of(&self, code: FaultCode) -> &AtomicU64 {
        // Most answers are this one, so it is looked for first.
        if code.without(FaultCode::ALREADY_PRESENT | FaultCode::MAJOR) == FaultCode::NOPAGE {
            return &self.nopage;
        }
        let by_name = [
            (FaultCode::OOM, &self.oom),
            (FaultCode::SIGSEGV, &self.sigsegv),
            (FaultCode::HWPOISON, &self.hwpoison),
            (FaultCode::SIGBUS, &self.sigbus),
            (FaultCode::RETRY, &self.retry),
            (FaultCode::NOPAGE, &self.nopage),
            (FaultCode::LOCKED, &self.locked),
        ];
        by_name.iter().find(|(bit, _)| code.contains(*bit)).map_or(&self.page, |(_, counter)| counter)
    }

    /// All of them, each as it is counted.
    pub fn all(&self) -> [&AtomicU64; 8] {
        let Self { nopage, page, locked, retry, oom, sigbus, hwpoison, sigsegv } = self;
        [nopage, page, locked, retry, oom, sigbus, hwpoison, sigsegv]
    }

    /// The counts as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Answers {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Answers {
            nopage: read(&self.nopage),
            page: read(&self.page),
            locked: read(&self.locked),
            retry: read(&self.retry),
            oom: read(&self.oom),
            sigbus: read(&self.sigbus),
            hwpoison: read(&self.hwpoison),
            sigsegv: read(&self.sigsegv),
        }
    }
}

/// [`Counts`] as a machine counts them that counts nothing else: its [`count`](crate::Machine::count) and
/// [`counts`](crate::Machine::counts) hand on to this.
#[derive(Default)]
pub struct EventCounters {
    inserted: AtomicU64,
    already_present: AtomicU64,
    handler_calls: AtomicU64,
    answers: AnswerCounters,
}

impl EventCounters {
    /// Something has happened.
    pub fn count(&self, event: Event) {
        let counter = match event {
            Event::Insertion | Event::Delivery => &self.inserted,
            Event::AlreadyPresent => &self.already_present,
            Event::Call(Hook::Fault) => &self.handler_calls,
            Event::Answer(code) => self.answers.of(code),
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts as they are now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            inserted: read(&self.inserted),
            already_present: read(&self.already_present),
            handler_calls: read(&self.handler_calls),
            answers: self.answers.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answers;

    #[test]
    fn answers_are_added_each_to_its_own() {
        let some = Answers { nopage: 1, page: 2, locked: 3, retry: 4, oom: 5, sigbus: 6, hwpoison: 7, sigsegv: 8 };
        let others =
            Answers { nopage: 10, page: 20, locked: 30, retry: 40, oom: 50, sigbus: 60, hwpoison: 70, sigsegv: 80 };
        let all =
            Answers { nopage: 11, page: 22, locked: 33, retry: 44, oom: 55, sigbus: 66, hwpoison: 77, sigsegv: 88 };
        assert_eq!(some.and(others), all);
        assert_eq!(all.and(Answers::default()), all);
    }
}
