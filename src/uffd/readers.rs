//! The threads that read faults, and serve them.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use parking_lot::{Condvar, Mutex};

use super::{
    fault,
    session::Inner,
    stats::count,
    sys::RawErrno,
    userfault::{Audience, BATCH, Event, Userfault},
};

/// The most threads that serve: each but the first replaces one that waits inside a hook.
pub(super) const MAX_THREADS: usize = 64;

/// A userfaultfd, and the threads behind it.
pub(super) struct Channel {
    faults: Arc<Userfault>,
    /// Where moves are told, whoever moves a mapping has locks until that was read. So the thread that reads must never
    /// wait for one, and others serve what it leaves here.
    queue: Option<Queue>,
    /// Threads that would take the next event at once.
    idle: AtomicUsize,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    serving: usize,
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
        Self { faults: Arc::new(faults), queue: None, idle: AtomicUsize::new(0), threads: Mutex::default() }
    }

    /// One thread reads, and others serve.
    pub(super) fn queued(faults: Userfault) -> Self {
        Self { queue: Some(Queue::default()), ..Self::direct(faults) }
    }

    pub(super) fn faults(&self) -> &Arc<Userfault> {
        &self.faults
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
        while threads.serving < serving {
            self.add(&mut threads, inner, of)?;
        }
        Ok(())
    }

    /// A thread waits inside a hook: another one takes its place meanwhile, if there is none to spare.
    pub(super) fn replace(&self, inner: &Arc<Inner>, of: Which) {
        if self.idle.load(Ordering::Acquire) != 0 {
            return;
        }
        let mut threads = self.threads.lock();
        // Nobody serves where whoever faults does so, nor once the session is stopped.
        if (1..MAX_THREADS).contains(&threads.serving) && !inner.is_stopping() {
            // Without another thread it waits as long as it has to, and what it waits for comes from elsewhere.
            let _ = self.add(&mut threads, inner, of);
        }
    }

    fn add(&self, threads: &mut Threads, inner: &Arc<Inner>, of: Which) -> io::Result<()> {
        let server = spawn(inner, move |inner| of(inner).into_iter().for_each(|channel| channel.serve(inner)))?;
        threads.handles.push(server);
        threads.serving += 1;
        Ok(())
    }

    fn serve(&self, inner: &Arc<Inner>) {
        match &self.queue {
            Some(queue) => {
                while let Some(event) = self.idly(|| queue.take()) {
                    self.serve_one(inner, &event);
                }
            }
            None => self.read(inner, |events| events.iter().for_each(|event| self.serve_one(inner, event))),
        }
        self.threads.lock().serving -= 1;
        // Whoever has rung goes on.
        self.faults.answer_bell();
    }

    fn serve_one(&self, inner: &Arc<Inner>, event: &Event) {
        count(&inner.counters.events);
        fault::serve(inner, &self.faults, event);
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
    fn read(&self, inner: &Arc<Inner>, each: impl Fn(&[Event])) {
        let mut events = [Event::default(); BATCH];
        // A look for one more event costs something, too: many are asked for where many were there, and now and then.
        let (mut wanted, mut reads) = (1, 0_u32);
        loop {
            let mut read = || self.faults.read(events.get_mut(..wanted).unwrap_or_default());
            let heard = if self.queue.is_some() { read() } else { self.idly(read) };
            match heard {
                Ok(heard) => {
                    reads = reads.wrapping_add(1);
                    wanted = if heard.events > 1 || reads % 16 == 0 { BATCH } else { 1 };
                    each(events.get(..heard.events).unwrap_or_default());
                    if heard.bell {
                        return;
                    }
                }
                Err(RawErrno(libc::EINTR | libc::EAGAIN)) => {}
                Err(errno) => return inner.cannot_read(&self.faults, errno),
            }
        }
    }

    fn idly<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.idle.fetch_add(1, Ordering::AcqRel);
        let got = wait();
        self.idle.fetch_sub(1, Ordering::AcqRel);
        got
    }

    /// Tells the threads to leave, and gives them back. Those that wait in a hook were interrupted before.
    pub(super) fn stop(&self) -> Vec<JoinHandle<()>> {
        while self.queue.is_some() || self.threads.lock().serving != 0 {
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
