//! The threads that read faults, and serve them.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{
    fault::{Answered, Server},
    session::{Held, Inner},
    sys::{RawErrno, page_of},
    userfault::{Audience, BATCH, Event, Userfault},
};

/// For how many reads many events are asked for, once there were.
const LONG: u32 = 64;

/// Those who fault together may wait for each other's hooks for so long.
const QUICK: Duration = Duration::from_micros(100);
/// If it took longer, again and again, so many batches are told one by one before it is tried once more.
const MOST_APART: u32 = 64;

/// The most threads that serve: each but the first replaces one that waits inside a hook.
pub(super) const MAX_THREADS: usize = 64;

/// A thread that serves, at one of its faults.
pub(super) struct Turn<'a> {
    /// Nobody else serves meanwhile.
    pub(super) alone: Cell<bool>,
    /// What it has read, and serves next, unless it has left that to others.
    rest: &'a [Event],
    left: Cell<bool>,
    /// What is told to the kernel together, if anything is.
    together: Option<&'a Together<'a>>,
}

impl Turn<'_> {
    /// A thread that serves itself.
    pub(super) fn own() -> Self {
        Self { alone: Cell::new(true), rest: &[], left: Cell::new(false), together: None }
    }

    /// Whether the kernel is told of an answer together with what comes next.
    #[inline]
    pub(super) fn tells_later(&self) -> bool {
        self.together.is_some() && self.alone.get()
    }

    /// A fault is answered, and the kernel to be told of it later.
    pub(super) fn answered(&self, answered: Answered) {
        if let Some(together) = self.together {
            together.answered.borrow_mut().push(answered);
        }
    }

    /// The lock is to be given up: what was answered with it is told.
    pub(super) fn tell(&self, held: &Held<'_>) {
        if let Some(together) = self.together {
            together.tell(held);
        }
    }
}

/// What a thread has answered of what it has read at once.
///
/// Whoever is woken may want this thread's processor. The sooner it takes it, the longer wait all others whose faults
/// were read together with its own; so their hooks are called first, as long as these are quick.
struct Together<'a> {
    server: Server<'a>,
    answered: RefCell<Vec<Answered>>,
    /// How many batches are told one by one before it is tried once more, and how many it were the last time.
    apart: Cell<u32>,
    were_apart: Cell<u32>,
}

impl Together<'_> {
    /// Whether the next batch is told together.
    fn is_tried(&self) -> bool {
        let apart = self.apart.get();
        self.apart.set(apart.saturating_sub(1));
        apart == 0
    }

    /// A batch was, and it was well so, or not.
    fn note(&self, well: bool) {
        let were_apart = self.were_apart.get();
        if well {
            self.were_apart.set(were_apart / 2);
        } else {
            self.were_apart.set((were_apart * 2).clamp(1, MOST_APART));
            self.apart.set(self.were_apart.get());
        }
    }

    /// Tells the kernel, with the lock that was held meanwhile.
    fn tell(&self, held: &Held<'_>) {
        if !self.server.tell(&mut self.answered.borrow_mut(), held) {
            self.note(false);
        }
    }
}

/// A userfaultfd, and the threads behind it.
pub(super) struct Channel {
    faults: Arc<Userfault>,
    /// Where moves are told, whoever moves a mapping has locks until that was read. So the thread that reads must never
    /// wait for one, and others serve what it leaves here.
    queue: Option<Queue>,
    threads: Mutex<Threads>,
    /// How many serve. Changed with the lock on the threads.
    serving: AtomicUsize,
}

#[derive(Default)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    /// How many are meant to serve.
    wanted: usize,
    /// Those that wait inside a hook.
    waiting: usize,
}

/// Events on their way from the thread that reads to those that serve.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    closed: bool,
}

impl Queue {
    fn put(&self, events: &[Event]) {
        self.waiting.lock().events.extend(events);
        self.more.notify_one();
    }

    fn close(&self) {
        self.waiting.lock().closed = true;
        self.more.notify_all();
    }

    /// The next one, or `None` once there will be none.
    fn take(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(event) = waiting.events.pop_front() {
                if !waiting.events.is_empty() {
                    self.more.notify_one();
                }
                return Some(event);
            }
            if waiting.closed {
                return None;
            }
            self.more.wait(&mut waiting);
        }
    }
}

impl Channel {
    /// Whoever reads serves what it has read.
    pub(super) fn direct(faults: Userfault) -> Self {
        Self { faults: Arc::new(faults), queue: None, threads: Mutex::default(), serving: AtomicUsize::new(0) }
    }

    /// One thread reads, and others serve.
    pub(super) fn queued(faults: Userfault) -> Self {
        Self { queue: Some(Queue::default()), ..Self::direct(faults) }
    }

    pub(super) fn faults(&self) -> &Arc<Userfault> {
        &self.faults
    }

    fn serving(&self) -> usize {
        self.serving.load(Ordering::Acquire)
    }

    /// Starts what does not run yet of it, and of so many threads that serve. `of` finds this channel in the session
    /// again.
    pub(super) fn start(&self, inner: &Arc<Inner>, of: Which, serving: usize) -> io::Result<()> {
        let mut threads = self.threads.lock();
        if self.queue.is_some() && threads.handles.is_empty() {
            let reader =
                spawn(inner, move |inner| of(inner).into_iter().for_each(|channel| channel.fill_queue(inner)))?;
            threads.handles.push(reader);
        }
        threads.wanted = serving;
        while self.serving() < serving {
            self.add(&mut threads, inner, of)?;
        }
        Ok(())
    }

    /// Waits inside a hook. Another thread takes this one's place meanwhile; what was read and not served yet it has to
    /// read once more.
    pub(super) fn wait<T>(&self, inner: &Arc<Inner>, of: Which, turn: &Turn<'_>, wait: impl FnOnce() -> T) -> T {
        if !turn.left.replace(true) {
            for event in turn.rest {
                // It fails for a range that is none, only.
                let _ = self.faults.wake(&page_of(event.address));
            }
        }
        let mut threads = self.threads.lock();
        threads.waiting += 1;
        let left = self.serving().saturating_sub(threads.waiting);
        if left < threads.wanted && self.serving() < MAX_THREADS && !inner.is_stopping() {
            // Without it this waits as long as it has to, and what it waits for comes from elsewhere.
            let _ = self.add(&mut threads, inner, of);
        }
        drop(threads);
        let waited = wait();
        self.threads.lock().waiting -= 1;
        waited
    }

    fn add(&self, threads: &mut Threads, inner: &Arc<Inner>, of: Which) -> io::Result<()> {
        let server = spawn(inner, move |inner| of(inner).into_iter().for_each(|channel| channel.serve(inner)))?;
        threads.handles.push(server);
        self.serving.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn serve(&self, inner: &Arc<Inner>) {
        let counters = inner.counters_of_a_thread();
        let server = Server { inner, faults: &self.faults, counters: &counters };
        let together = Together { server, answered: RefCell::default(), apart: Cell::new(0), were_apart: Cell::new(0) };
        let serve = |event: &Event, rest: &[Event], together, kept: &mut Option<_>| {
            counters.count(|of| &of.events);
            let turn = Turn { alone: Cell::new(self.serving() == 1), rest, left: Cell::new(false), together };
            server.serve(event, &turn, kept);
            turn.left.get()
        };
        match &self.queue {
            Some(queue) => {
                while let Some(event) = queue.take() {
                    let _ = serve(&event, &[], None, &mut None);
                }
            }
            None => self.read(inner, |events| {
                let begun = if events.len() > 1 && together.is_tried() { Some(Instant::now()) } else { None };
                let used = begun.map(|_| &together);
                let (mut rest, mut kept) = (events, None);
                while let [event, behind @ ..] = rest {
                    rest = if serve(event, behind, used, &mut kept) { &[] } else { behind };
                }
                if let Some(begun) = begun {
                    together.note(begun.elapsed() < QUICK);
                }
                if let Some(held) = kept {
                    together.tell(&held);
                }
            }),
        }
        let threads = self.threads.lock();
        self.serving.fetch_sub(1, Ordering::Release);
        drop(threads);
        // Whoever has rung goes on.
        self.faults.answer_bell();
    }

    /// Never waits for anything but events.
    fn fill_queue(&self, inner: &Arc<Inner>) {
        let Some(queue) = &self.queue else { return };
        self.read(inner, |events| {
            if !events.is_empty() {
                queue.put(events);
            }
        });
        queue.close();
    }

    /// Reads until the bell rings.
    fn read(&self, inner: &Arc<Inner>, mut each: impl FnMut(&[Event])) {
        let mut events = [Event::default(); BATCH];
        // A look for one more event costs something, too: many are asked for where many were there not long ago, and now
        // and then.
        let (mut reads, mut many) = (0_u32, 0_u32);
        loop {
            let wanted = if many != 0 || reads % 16 == 0 { BATCH } else { 1 };
            match self.faults.read(events.get_mut(..wanted).unwrap_or_default()) {
                Ok(heard) => {
                    reads = reads.wrapping_add(1);
                    many = if heard.events > 1 { LONG } else { many.saturating_sub(1) };
                    each(events.get(..heard.events).unwrap_or_default());
                    if heard.bell {
                        return;
                    }
                }
                Err(RawErrno::INTR | RawErrno::AGAIN) => {}
                Err(errno) => return inner.cannot_read(&self.faults, errno),
            }
        }
    }

    /// Tells the threads to leave, and gives them back. Those that wait in a hook were interrupted before.
    pub(super) fn stop(&self) -> Vec<JoinHandle<()>> {
        while self.queue.is_some() || self.serving() != 0 {
            if self.faults.ring() == Audience::All {
                break;
            }
        }
        std::mem::take(&mut self.threads.lock().handles)
    }
}

/// One of a session's channels.
pub(super) type Which = fn(&Inner) -> Option<&Channel>;

fn spawn(inner: &Arc<Inner>, run: impl FnOnce(&Arc<Inner>) + Send + 'static) -> io::Result<JoinHandle<()>> {
    let inner = Arc::clone(inner);
    thread::Builder::new().name("vmctx-faults".to_owned()).spawn(move || run(&inner))
}
