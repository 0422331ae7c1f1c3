//! Events on their way from the thread that reads to those that serve, where the thread that reads must not be waited for.
//!
//! Whoever moves a mapping sleeps in the kernel until the event of that was read, and holds locks meanwhile. So as long as
//! somebody moves, there is a thread that does nothing but read. At all other times the thread that reads serves what it
//! has read by itself, if nobody else serves: waking another thread for it costs as much as all the rest of a fault. If
//! somebody begins to move meanwhile, or if the hook is about to wait, another thread is told to read instead.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

use super::event::Event;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// How many threads serve what they have taken from here.
    busy: usize,
    /// The thread that reads serves an event, so nobody reads.
    reader_serves: bool,
    /// The next thread that comes for an event is to read.
    wants_reader: bool,
    /// How many threads move mappings.
    movers: usize,
    closed: bool,
}

impl State {
    /// If the thread that reads serves, it is one of those that serve from now on, and another one reads.
    fn pass_reading_on(&mut self, more: &Condvar) {
        if self.reader_serves {
            self.reader_serves = false;
            self.busy += 1;
            self.wants_reader = true;
            more.notify_one();
        }
    }
}

/// What a thread that serves is to do next.
pub(crate) enum Task {
    Serve(Event),
    /// The thread that has read so far serves.
    Read,
    /// There is nothing any more.
    Leave,
}

/// Somebody moves a mapping. Somebody else reads, for as long as this is there.
pub(crate) struct Moving<'a>(&'a Queue);

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.0.state.lock().movers -= 1;
    }
}

impl Queue {
    /// Leaves events to the threads that serve.
    pub(crate) fn put(&self, events: &[Event]) {
        self.state.lock().events.extend(events);
        self.more.notify_one();
    }

    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.more.notify_all();
    }

    /// Waits for something to do. Whoever serves says when it [has](Self::has_served).
    pub(crate) fn take(&self) -> Task {
        let mut state = self.state.lock();
        loop {
            let task = if state.wants_reader {
                state.wants_reader = false;
                Some(Task::Read)
            } else {
                state.events.pop_front().map(|event| {
                    state.busy += 1;
                    Task::Serve(event)
                })
            };
            if let Some(task) = task {
                if !state.events.is_empty() {
                    self.more.notify_one();
                }
                return task;
            }
            if state.closed {
                return Task::Leave;
            }
            self.more.wait(&mut state);
        }
    }

    /// A thread has served what it has [taken](Self::take).
    pub(crate) fn has_served(&self) {
        self.state.lock().busy -= 1;
    }

    /// Whether the thread that reads may serve what it has read: nobody serves, and nobody moves. It says when it has
    /// [served](Self::reader_has_served).
    pub(crate) fn reader_may_serve(&self) -> bool {
        let mut state = self.state.lock();
        state.reader_serves = state.busy == 0 && state.movers == 0 && state.events.is_empty();
        state.reader_serves
    }

    /// Whether the thread that has read, and served, still is the one that reads. Otherwise it is one of those that
    /// [serve](Self::take).
    pub(crate) fn reader_has_served(&self) -> bool {
        let mut state = self.state.lock();
        let reads = state.reader_serves;
        state.reader_serves = false;
        if !reads {
            state.busy -= 1;
        }
        reads
    }

    /// The thread that serves is about to wait: if it is the one that reads, another one reads from now on.
    pub(crate) fn pass_reading_on(&self) {
        self.state.lock().pass_reading_on(&self.more);
    }

    /// Somebody is about to move a mapping.
    pub(crate) fn begin_move(&self) -> Moving<'_> {
        let mut state = self.state.lock();
        state.movers += 1;
        state.pass_reading_on(&self.more);
        Moving(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(event: &Task) -> Option<usize> {
        if let Task::Serve(event) = event { Some(event.address) } else { None }
    }

    #[test]
    fn the_thread_that_reads_serves_if_nobody_else_does() {
        let queue = Queue::default();
        assert!(queue.reader_may_serve());
        assert!(queue.reader_has_served(), "it reads on");
        queue.put(&[Event { address: 1, ..Event::default() }]);
        assert!(!queue.reader_may_serve(), "there is one that comes first");
        assert_eq!(page(&queue.take()), Some(1));
        assert!(!queue.reader_may_serve(), "somebody serves");
        queue.has_served();
        assert!(queue.reader_may_serve());
        queue.close();
        assert!(matches!(queue.take(), Task::Leave));
    }

    #[test]
    fn somebody_reads_while_somebody_moves() {
        let queue = Queue::default();
        assert!(queue.reader_may_serve());
        let moving = queue.begin_move();
        assert!(matches!(queue.take(), Task::Read));
        assert!(!queue.reader_may_serve(), "nobody would read");
        drop(moving);
        assert!(!queue.reader_may_serve(), "the first thread still serves");
        assert!(!queue.reader_has_served(), "another thread reads");
        assert!(queue.reader_may_serve());
    }

    #[test]
    fn another_thread_reads_where_the_reader_waits() {
        let queue = Queue::default();
        queue.pass_reading_on();
        assert!(queue.reader_may_serve(), "it did not serve, so it reads on");
        queue.pass_reading_on();
        queue.put(&[Event { address: 1, ..Event::default() }]);
        assert!(matches!(queue.take(), Task::Read), "that comes before what is to be served");
        assert_eq!(page(&queue.take()), Some(1));
    }
}
