//! Events on their way from a thread that only reads to those that serve.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

use crate::kernel::userfaultfd::Event;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    closed: bool,
}

impl Queue {
    pub(crate) fn put(&self, events: &[Event]) {
        self.state.lock().events.extend(events);
        self.more.notify_one();
    }

    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.more.notify_all();
    }

    /// Waits for the next event. `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Event> {
        let mut state = self.state.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                if !state.events.is_empty() {
                    self.more.notify_one();
                }
                return Some(event);
            }
            if state.closed {
                return None;
            }
            self.more.wait(&mut state);
        }
    }
}
