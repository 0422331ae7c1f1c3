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

/// One count.
#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
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
    /// Where the event is known, this is one addition.
    #[inline(always)]
    pub(crate) fn count(&self, event: Event) {
        match event {
            Event::Fault => self.faults.count(),
            Event::Call(Hook::Fault) => self.handler_calls.count(),
            Event::Call(Hook::PageMkwrite | Hook::PfnMkwrite) => self.mkwrite_calls.count(),
            Event::Call(Hook::HugeFault) => self.huge_fault_calls.count(),
            Event::Call(Hook::MapPages) => self.map_pages_calls.count(),
            Event::Answer(code) => self.answers.count(code),
            Event::MajorFault => self.major_faults.count(),
            Event::Insertion => self.insertions.count(),
            Event::HugeInsertion => self.huge_insertions.count(),
            Event::AlreadyPresent => self.already_present.count(),
            Event::Delivery => self.delivered.count(),
            Event::Copy => self.copies.count(),
            Event::Refault => self.refaults.count(),
            Event::Retry => self.retries.count(),
            Event::Unmapped => self.unmapped.count(),
            Event::Signal(Signal::Sigbus(_)) => self.sigbus.count(),
            Event::Signal(Signal::Sigsegv(_)) => self.sigsegv.count(),
            Event::Signal(Signal::Killed(_)) => self.killed.count(),
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
