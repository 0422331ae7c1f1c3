//! Wait queues.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use vmctx::{Errno, MaySleep};

use crate::{atomic::might_sleep, report::MightSleep, waiting::wait};

/// A queue on which faults wait: a count of its wake-ups, so that none is lost between looking and sleeping. Clones are
/// the same queue.
#[derive(Clone, Default)]
pub struct WaitQueue {
    queue: Arc<Queue>,
}

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    wakes: u64,
    sleepers: usize,
}

impl Queue {
    /// Sleeps until the count is no longer `wakes`, or `killed` says so.
    fn sleep(&self, wakes: u64, killed: impl Fn() -> bool) -> Result<(), Errno> {
        if self.state.lock().wakes != wakes { Ok(()) } else { wait(|| self.sleep_now(wakes, killed)) }
    }

    fn sleep_now(&self, wakes: u64, killed: impl Fn() -> bool) -> Result<(), Errno> {
        let mut state = self.state.lock();
        while state.wakes == wakes {
            if killed() {
                return Err(Errno::EINTR);
            }
            state.sleepers += 1;
            self.woken.wait(&mut state);
            state.sleepers -= 1;
        }
        Ok(())
    }

    /// Wakes the sleepers, to look whether they were killed.
    fn nudge(&self) {
        // With the lock held nobody is between the look at `killed` and sleep, and would miss this.
        let _state = self.state.lock();
        self.woken.notify_all();
    }
}

impl WaitQueue {
    /// How many faults are asleep on the queue now. For tests that must know before they go on.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.queue.state.lock().sleepers
    }

    /// Sleeps until the count of wake-ups is no longer `wakes`, for a system call. Nobody kills it.
    ///
    /// # Errors
    /// None, today: killing a system call is not simulated.
    #[track_caller]
    pub fn wait(&self, wakes: u64) -> Result<(), Errno> {
        might_sleep(MightSleep::Wait);
        self.queue.sleep(wakes, || false)
    }
}

impl vmctx::WaitQueue for WaitQueue {
    #[track_caller]
    fn new(_: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self::default())
    }

    fn wakes(&self) -> u64 {
        self.queue.state.lock().wakes
    }

    fn wake_all(&self) {
        self.queue.state.lock().wakes += 1;
        self.queue.woken.notify_all();
    }
}

/// The queues on which threads of one process are asleep, for whoever kills it.
#[derive(Default)]
pub struct Sleepers {
    queues: Mutex<Vec<Arc<Queue>>>,
}

impl Sleepers {
    /// Sleeps until the queue's count of wake-ups is no longer `wakes`. [`nudge_all`](Self::nudge_all) has `killed`
    /// asked again.
    ///
    /// # Errors
    /// EINTR if `killed` says so.
    #[track_caller]
    pub fn wait(&self, on: &WaitQueue, wakes: u64, killed: impl Fn() -> bool) -> Result<(), Errno> {
        might_sleep(MightSleep::Wait);
        self.queues.lock().push(Arc::clone(&on.queue));
        let waited = on.queue.sleep(wakes, killed);
        let mut queues = self.queues.lock();
        if let Some(index) = queues.iter().position(|queue| Arc::ptr_eq(queue, &on.queue)) {
            queues.swap_remove(index);
        }
        waited
    }

    /// Wakes all who wait, to look whether they were killed.
    pub fn nudge_all(&self) {
        let queues = self.queues.lock().clone();
        for queue in queues {
            queue.nudge();
        }
    }
}
