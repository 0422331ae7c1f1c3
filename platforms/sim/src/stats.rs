//! What a machine counts.

use std::sync::atomic::{AtomicU64, Ordering};

use vmctx_hosted::{
    Event, Hook, Signal,
    answers::{self, AnswerCounters, Answers},
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

/// The counts of one machine, or those that some of its threads have counted.
#[derive(Default)]
pub(crate) struct Counters {
    faults: AtomicU64,
    handler_calls: AtomicU64,
    mkwrite_calls: AtomicU64,
    huge_fault_calls: AtomicU64,
    map_pages_calls: AtomicU64,
    major_faults: AtomicU64,
    insertions: AtomicU64,
    huge_insertions: AtomicU64,
    already_present: AtomicU64,
    delivered: AtomicU64,
    copies: AtomicU64,
    refaults: AtomicU64,
    retries: AtomicU64,
    unmapped: AtomicU64,
    killed: AtomicU64,
    sigbus: AtomicU64,
    sigsegv: AtomicU64,
    answers: AnswerCounters,
}

impl Counters {
    /// Where the event is known, this is one addition. `alone`: no other thread counts in these.
    #[inline(always)]
    pub(crate) fn count(&self, event: Event, alone: bool) {
        let counter = match event {
            Event::Fault => &self.faults,
            Event::Call(Hook::Fault) => &self.handler_calls,
            Event::Call(Hook::PageMkwrite | Hook::PfnMkwrite) => &self.mkwrite_calls,
            Event::Call(Hook::HugeFault) => &self.huge_fault_calls,
            Event::Call(Hook::MapPages) => &self.map_pages_calls,
            Event::Answer(code) => self.answers.of(code),
            Event::MajorFault => &self.major_faults,
            Event::Insertion => &self.insertions,
            Event::HugeInsertion => &self.huge_insertions,
            Event::AlreadyPresent => &self.already_present,
            Event::Delivery => &self.delivered,
            Event::Copy => &self.copies,
            Event::Refault => &self.refaults,
            Event::Retry => &self.retries,
            Event::Unmapped => &self.unmapped,
            Event::Signal(Signal::Sigbus(_)) => &self.sigbus,
            Event::Signal(Signal::Sigsegv(_)) => &self.sigsegv,
            Event::Signal(Signal::Killed(_)) => &self.killed,
            // Hooks outside faults, and what later versions tell.
            _ => return,
        };
        answers::add(counter, 1, alone);
    }

    /// Adds these to what others have counted.
    pub(crate) fn add_to(&self, sum: &mut Statistics) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        sum.faults += read(&self.faults);
        sum.handler_calls += read(&self.handler_calls);
        sum.mkwrite_calls += read(&self.mkwrite_calls);
        sum.huge_fault_calls += read(&self.huge_fault_calls);
        sum.map_pages_calls += read(&self.map_pages_calls);
        sum.major_faults += read(&self.major_faults);
        sum.insertions += read(&self.insertions);
        sum.huge_insertions += read(&self.huge_insertions);
        sum.already_present += read(&self.already_present);
        sum.delivered += read(&self.delivered);
        sum.copies += read(&self.copies);
        sum.refaults += read(&self.refaults);
        sum.retries += read(&self.retries);
        sum.unmapped += read(&self.unmapped);
        sum.answers = sum.answers.and(self.answers.snapshot());
        sum.signals.sigbus += read(&self.sigbus);
        sum.signals.sigsegv += read(&self.sigsegv);
        sum.signals.killed += read(&self.killed);
    }
}
