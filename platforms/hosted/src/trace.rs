//! Which hooks were called, about what, and what they have answered: for tests.

use std::{
    cell::RefCell,
    fmt, mem,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use vmctx::{Errno, PageOffset, UserAddr, platform::FaultCode};

use crate::{hold, hook::Hook, noted};

/// A call of a driver's hook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Called {
    /// Which hook.
    pub hook: Hook,
    /// The address that it is about: of the access that faulted, of the cut, or where the VMA begins.
    pub address: UserAddr,
    /// The pages of the object that it is about: of a fault one, of `map_pages` the window, of `huge_fault` those of the
    /// large entry, of a cut none; else all that the VMA shows.
    pub pages: Range<PageOffset>,
    /// What it has answered.
    pub answer: Answer,
}

/// What a hook has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It was done, or agreed to.
    Done,
    /// It was not, with this errno.
    Refused(Errno),
    /// The answer to a fault.
    Fault(FaultCode),
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook, address, pages, answer } = self;
        write!(f, "{hook} at {address}, pages {}..{}: {answer}", pages.start.index(), pages.end.index())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused(errno) => write!(f, "{errno}"),
            Self::Fault(code) => write!(f, "{code:?}"),
        }
    }
}

type Calls = Mutex<Vec<Called>>;
type Listening = Mutex<Vec<Arc<Calls>>>;

/// The traces of one machine. Clones are the same list.
#[derive(Clone, Default)]
pub struct Traces {
    listening: Arc<Listening>,
}

/// Has every call of a hook noted that returns while this is there.
#[must_use = "dropped, it notes nothing"]
pub struct Trace {
    traces: Traces,
    calls: Arc<Calls>,
}

/// How many there are, on all machines: while there are none, nothing is noted.
static TRACES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Of the machine that this thread has last had to do with.
    static OF_THIS_THREAD: RefCell<Option<Arc<Listening>>> = const { RefCell::new(None) };
}

impl Traces {
    /// Notes calls from now on: those of threads that [follow](Self::follow_this_thread) this machine.
    pub fn begin(&self) -> Trace {
        let calls = Arc::default();
        self.listening.lock().push(Arc::clone(&calls));
        TRACES.fetch_add(1, Ordering::SeqCst);
        Trace { traces: self.clone(), calls }
    }

    /// From now on what hooks do on this thread is noted here, as with
    /// [`Reports::follow_this_thread`](crate::Reports::follow_this_thread).
    pub fn follow_this_thread(&self) {
        noted::follow(&OF_THIS_THREAD, &self.listening);
    }
}

impl Trace {
    /// The calls so far, in the order in which they have returned. They are noted no longer.
    #[must_use]
    pub fn take(&self) -> Vec<Called> {
        mem::take(&mut *self.calls.lock())
    }

    /// The hooks that were called and what they have answered, as [`take`](Self::take).
    #[must_use]
    pub fn answers(&self) -> Vec<(Hook, Answer)> {
        self.take().into_iter().map(|called| (called.hook, called.answer)).collect()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        TRACES.fetch_sub(1, Ordering::SeqCst);
        self.traces.listening.lock().retain(|calls| !Arc::ptr_eq(calls, &self.calls));
    }
}

/// What hooks give back, as an answer.
pub(crate) trait Answered {
    fn answer(&self) -> Answer;
}

impl Answered for () {
    fn answer(&self) -> Answer {
        Answer::Done
    }
}

impl<T> Answered for Result<T, Errno> {
    fn answer(&self) -> Answer {
        match self {
            Ok(_) => Answer::Done,
            Err(errno) => Answer::Refused(*errno),
        }
    }
}

impl Answered for FaultCode {
    fn answer(&self) -> Answer {
        Answer::Fault(*self)
    }
}

/// Calls a hook about these pages of its object, at this address. A thread that is to be [held](crate::Hold) is held
/// before. A panic is no answer, and is not noted.
pub(crate) fn call<T: Answered>(hook: Hook, address: usize, pages: Range<usize>, call: impl FnOnce() -> T) -> T {
    hold::pass(hook.into());
    let answered = call();
    if TRACES.load(Ordering::SeqCst) == 0 {
        return answered;
    }
    if let Some(listening) = noted::current(&OF_THIS_THREAD) {
        let pages = PageOffset::new(pages.start)..PageOffset::new(pages.end);
        let called = Called { hook, address: UserAddr::new(address), pages, answer: answered.answer() };
        for calls in &*listening.lock() {
            calls.lock().push(called.clone());
        }
    }
    answered
}
