//! Threads that are held at a call, so that a race is a test and not luck.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
};

use parking_lot::{Condvar, Mutex};

use crate::{hook::Hook, noted, report::MightSleep};

/// Where a thread can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldAt {
    /// At a call that may sleep.
    Call(MightSleep),
    /// Before a hook is called, with the locks that it is called with.
    Hook(Hook),
    /// Where the program [passes](pass) a point of this name.
    Named(&'static str),
}

impl From<MightSleep> for HoldAt {
    fn from(call: MightSleep) -> Self {
        Self::Call(call)
    }
}

impl From<Hook> for HoldAt {
    fn from(hook: Hook) -> Self {
        Self::Hook(hook)
    }
}

impl From<&'static str> for HoldAt {
    fn from(name: &'static str) -> Self {
        Self::Named(name)
    }
}

/// The threads that are to be held on one machine. Clones are the same list.
#[derive(Clone, Default)]
pub struct Holds {
    /// Those that nobody has come to yet.
    open: Arc<Points>,
}

/// The next thread that comes to a point is held there, until this is dropped.
///
/// The thread that has made it is never held by it, so that the call can be made while a test waits for others.
#[must_use = "dropped, it holds nobody"]
pub struct Hold {
    holds: Holds,
    point: Arc<Point>,
}

struct Point {
    at: HoldAt,
    /// Whose it is.
    by: ThreadId,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody has come yet.
    Open,
    /// A thread is held.
    Reached,
    /// Nobody is held any more.
    Over,
}

/// The holds of one machine that nobody has come to yet.
type Points = Mutex<Vec<Arc<Point>>>;

/// How many are to be held, on all machines: while there are none, nothing is looked at.
static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Of the machine that this thread has last had to do with.
    static OF_THIS_THREAD: RefCell<Option<Arc<Points>>> = const { RefCell::new(None) };
}

impl Holds {
    /// The next thread that comes there, of those that [follow](Self::follow_this_thread) this machine, is
    /// held before it goes on, with all the locks that it has. What it comes to need not sleep.
    pub fn hold(&self, at: HoldAt) -> Hold {
        let point =
            Arc::new(Point { at, by: thread::current().id(), state: Mutex::new(State::Open), changed: Condvar::new() });
        self.open.lock().push(Arc::clone(&point));
        OPEN.fetch_add(1, Ordering::SeqCst);
        Hold { holds: self.clone(), point }
    }

    /// From now on this thread can be held here, as with
    /// [`Reports::follow_this_thread`](crate::Reports::follow_this_thread).
    pub fn follow_this_thread(&self) {
        noted::follow(&OF_THIS_THREAD, &self.open);
    }

    /// Takes the first hold that is meant for this thread off the list.
    fn take(&self, at: HoldAt) -> Option<Arc<Point>> {
        let this = thread::current().id();
        let mut open = self.open.lock();
        let index = open.iter().position(|point| point.at == at && point.by != this)?;
        Some(open.remove(index))
    }
}

impl Hold {
    /// Waits until a thread is held. (For ever, if none comes: as a join of a thread that does not end.)
    pub fn reached(&self) {
        let mut state = self.point.state.lock();
        while *state == State::Open {
            self.point.changed.wait(&mut state);
        }
    }

    /// Whether a thread is held by now.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        *self.point.state.lock() == State::Reached
    }

    /// Lets the thread go on. So does a drop.
    pub fn go_on(self) {}
}

impl Drop for Hold {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::SeqCst);
        self.holds.open.lock().retain(|point| !Arc::ptr_eq(point, &self.point));
        *self.point.state.lock() = State::Over;
        self.point.changed.notify_all();
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("at", &self.point.at)
            .field("is_reached", &self.is_reached())
            .finish_non_exhaustive()
    }
}

/// This thread comes to a point at which it may be held. A driver names points of its own where its tests want a thread
/// held between two of its steps; it need not sleep there. While nobody is to be held, this is one look at a number.
#[inline]
pub fn pass(at: HoldAt) {
    if OPEN.load(Ordering::SeqCst) != 0 {
        wait_if_held(at);
    }
}

#[cold]
fn wait_if_held(at: HoldAt) {
    let holds = noted::current(&OF_THIS_THREAD).map(|open| Holds { open });
    let Some(point) = holds.and_then(|holds| holds.take(at)) else { return };
    let mut state = point.state.lock();
    if *state == State::Open {
        *state = State::Reached;
        point.changed.notify_all();
    }
    while *state == State::Reached {
        point.changed.wait(&mut state);
    }
}
