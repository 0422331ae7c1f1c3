//! Atomic context: where this thread must not sleep, because it holds a spin lock of a driver's or is under RCU.

use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
    panic::Location,
};

use crate::{
    hold,
    hook::{self, Hook},
    noted,
    report::{MightSleep, Report, report},
};

thread_local! {
    /// How many spin locks this thread holds, to be asked at each insertion.
    static SPIN_LOCKS: Cell<usize> = const { Cell::new(0) };
    /// Where this thread has taken them.
    static SPINNING: RefCell<Vec<&'static Location<'static>>> = const { RefCell::new(Vec::new()) };
    /// Where this thread has inserted last.
    static INSERTING: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// This thread holds a spin lock, until the value is dropped.
pub(crate) struct Spinning {
    taken: &'static Location<'static>,
    // Noted for the thread that has taken it.
    thread: PhantomData<*mut ()>,
}

impl Spinning {
    #[track_caller]
    pub(crate) fn note() -> Self {
        let taken = Location::caller();
        SPIN_LOCKS.set(SPIN_LOCKS.get() + 1);
        noted::with(&SPINNING, |spinning| spinning.push(taken));
        Self { taken, thread: PhantomData }
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        SPIN_LOCKS.set(SPIN_LOCKS.get() - 1);
        noted::with(&SPINNING, |spinning| {
            if let Some(index) = spinning.iter().rposition(|taken| *taken == self.taken) {
                spinning.remove(index);
            }
        });
    }
}

/// `might_sleep`: the caller is about to do something that may sleep. It is reported if this thread holds a spin lock,
/// or is in a `map_pages` hook. A [`Hold`](crate::Hold) holds it here.
///
/// For platforms. Where it is reported, [`Reports::follow_this_thread`](crate::Reports::follow_this_thread) says.
#[track_caller]
#[inline]
pub fn might_sleep(call: MightSleep) {
    let called = Location::caller();
    if SPIN_LOCKS.get() != 0 || hook::running() == Some(Hook::MapPages) {
        report_sleep(call, called);
    }
    if call == MightSleep::Insertion {
        INSERTING.set(Some(called));
    }
    hold::pass(call.into());
}

#[cold]
fn report_sleep(call: MightSleep, called: &'static Location<'static>) {
    if let Some(taken) = noted::with(&SPINNING, |spinning| spinning.last().copied()) {
        report(Report::SleptUnderSpinLock { taken, call, called });
    }
    if hook::running() == Some(Hook::MapPages) {
        report(Report::SleptInMapPages { call, called });
    }
}

/// A driver inserts, here and without sleeping, or hands a page back to be inserted.
#[track_caller]
pub(crate) fn inserts() {
    INSERTING.set(Some(Location::caller()));
}

/// Where this thread inserts, while it does.
pub(crate) fn inserted_at() -> Option<&'static Location<'static>> {
    INSERTING.get()
}
