//! What a machine counts.

use std::sync::atomic::{AtomicU64, Ordering};

use vmctx_hosted::{
    Event, Hook, Signal,
    answers::{AnswerCounters, Answers},
};

/// What has happened on a machine since it was made, and what is in use now. A copy: take one before and one after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Page faults: accesses that the page table did not allow at once, each time they were tried.
    pub faults: u64,
    /// Fault hooks called.
    pub handler_calls: u64,
    /// `page_mkwrite` and `pfn_mkwrite` hooks called.
    pub mkwrite_calls: u64,
    /// `huge_fault` hooks called.
    pub huge_fault_calls: u64,
    /// `map_pages` hooks called.
    pub map_pages_calls: u64,
    /// Hooks of the fault family that accounted a major fault.
    pub major_faults: u64,
    /// Entries made by the insertions of drivers, at mmap and in faults, prefaults too.
    pub insertions: u64,
    /// Insertions of large entries, each counted once.
    pub huge_insertions: u64,
    /// Insertions, and pages handed back, that found an entry in place already.
    pub already_present: u64,
    /// Pages and private copies mapped by the core after a handler had handed a page back.
    pub delivered: u64,
    /// Pages copied for a store to a private mapping.
    pub copies: u64,
    /// Handlers that asked to repeat the access and had changed nothing at its address.
    pub refaults: u64,
    /// Faults that gave up their lock, or must not wait, and were begun anew (RETRY).
    pub retries: u64,
    /// Entries taken away.
    pub unmapped: u64,
    /// What the fault hooks answered.
    pub answers: Answers,
    /// Signals to users, by either reason.
    pub signals: Signals,
    /// Now: frames of RAM with a reference.
    pub frames_in_use: usize,
    /// Now: references to frames of RAM, all added up.
    pub references: usize,
    /// Now: page tables of all processes. One maps 512 pages.
    pub page_tables_in_use: usize,
}

/// How often users got each signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signals {
    /// [`Signal::Sigbus`](vmctx_hosted::Signal::Sigbus)
    pub sigbus: u64,
    /// [`Signal::Sigsegv`](vmctx_hosted::Signal::Sigsegv)
    pub sigsegv: u64,
    /// [`Signal::Killed`](vmctx_hosted::Signal::Killed)
    pub killed: u64,
}

/// Counts up. Without an atomic addition, which alone takes as long as the rest of an insertion, where this thread is the
/// only one that counts there.
#[inline]
fn add_one(counter: &AtomicU64, alone: bool) {
    if alone {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    } else {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// One count.
#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    #[inline]
    fn count(&self, alone: bool) {
        add_one(&self.0, alone);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of one machine, or those that some of its threads have counted.
#[derive(Default)]
pub(crate) struct Counters {
    faults: Counter,
    handler_calls: Counter,
    mkwrite_calls: Counter,
    huge_fault_calls: Counter,
    map_pages_calls: Counter,
    major_faults: Counter,
    insertions: Counter,
    huge_insertions: Counter,
    already_present: Counter,
    delivered: Counter,
    copies: Counter,
    refaults: Counter,
    retries: Counter,
    unmapped: Counter,
    killed: Counter,
    sigbus: Counter,
    sigsegv: Counter,
    answers: AnswerCounters,
}

impl Counters {
    /// Where the event is known, this is one addition. `alone`: no other thread counts in these.
    #[inline(always)]
    pub(crate) fn count(&self, event: Event, alone: bool) {
        match event {
            Event::Fault => self.faults.count(alone),
            Event::Call(Hook::Fault) => self.handler_calls.count(alone),
            Event::Call(Hook::PageMkwrite | Hook::PfnMkwrite) => self.mkwrite_calls.count(alone),
            Event::Call(Hook::HugeFault) => self.huge_fault_calls.count(alone),
            Event::Call(Hook::MapPages) => self.map_pages_calls.count(alone),
            Event::Answer(code) => add_one(self.answers.of(code), alone),
            Event::MajorFault => self.major_faults.count(alone),
            Event::Insertion => self.insertions.count(alone),
            Event::HugeInsertion => self.huge_insertions.count(alone),
            Event::AlreadyPresent => self.already_present.count(alone),
            Event::Delivery => self.delivered.count(alone),
            Event::Copy => self.copies.count(alone),
            Event::Refault => self.refaults.count(alone),
            Event::Retry => self.retries.count(alone),
            Event::Unmapped => self.unmapped.count(alone),
            Event::Signal(Signal::Sigbus(_)) => self.sigbus.count(alone),
            Event::Signal(Signal::Sigsegv(_)) => self.sigsegv.count(alone),
            Event::Signal(Signal::Killed(_)) => self.killed.count(alone),
            // Hooks outside faults, and what later versions tell.
            _ => {}
        }
    }

    /// Adds these to what others have counted.
    pub(crate) fn add_to(&self, sum: &mut Statistics) {
        sum.faults += self.faults.get();
        sum.handler_calls += self.handler_calls.get();
        sum.mkwrite_calls += self.mkwrite_calls.get();
        sum.huge_fault_calls += self.huge_fault_calls.get();
        sum.map_pages_calls += self.map_pages_calls.get();
        sum.major_faults += self.major_faults.get();
        sum.insertions += self.insertions.get();
        sum.huge_insertions += self.huge_insertions.get();
        sum.already_present += self.already_present.get();
        sum.delivered += self.delivered.get();
        sum.copies += self.copies.get();
        sum.refaults += self.refaults.get();
        sum.retries += self.retries.get();
        sum.unmapped += self.unmapped.get();
        sum.answers = sum.answers.and(self.answers.snapshot());
        sum.signals.sigbus += self.sigbus.get();
        sum.signals.sigsegv += self.sigsegv.get();
        sum.signals.killed += self.killed.get();
    }
}
