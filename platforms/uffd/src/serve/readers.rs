//! A userfaultfd, and the threads that read it and serve its events: how many there are, and how they end. What they do
//! is said elsewhere.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use parking_lot::Mutex;

use crate::kernel::{
    queue::Queue,
    userfaultfd::{Told, Userfaultfd},
};

/// How many threads that have replaced others stay when those serve again. More would be woken for each fault.
const SPARE: usize = 4;

/// A userfaultfd, and the threads behind it.
pub(crate) struct Readers {
    uffd: Arc<Userfaultfd>,
    threads: Mutex<Threads>,
    /// How many threads serve. Changed under the lock on the threads.
    serving: AtomicUsize,
    /// Whether these are more than are needed.
    is_surplus: AtomicBool,
}

#[derive(Default)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    /// One of them reads, where that is another one than those that serve.
    reads: bool,
    /// How many are meant to serve.
    wanted: usize,
    /// How many of those that serve wait inside a hook.
    waiting: usize,
}

impl Readers {
    pub(crate) fn new(uffd: Userfaultfd) -> Self {
        Self {
            uffd: Arc::new(uffd),
            threads: Mutex::default(),
            serving: AtomicUsize::new(0),
            is_surplus: AtomicBool::new(false),
        }
    }

    pub(crate) fn uffd(&self) -> &Arc<Userfaultfd> {
        &self.uffd
    }

    /// Where the thread that reads leaves events, if it is not the one that serves them.
    pub(crate) fn queue(&self) -> Option<&Queue> {
        self.uffd.queue()
    }

    /// How many threads serve, without the one that reads where that is another one.
    pub(crate) fn serving(&self) -> usize {
        self.serving.load(Ordering::Acquire)
    }

    /// Starts the threads that do not run yet: the one that reads, if that is another one, and so many that serve.
    pub(crate) fn start(
        &self,
        serving: usize,
        spawn_reader: impl FnOnce() -> io::Result<JoinHandle<()>>,
        spawn_server: impl Fn() -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let mut threads = self.threads.lock();
        if self.queue().is_some() && threads.handles.is_empty() {
            let reader = spawn_reader()?;
            threads.handles.push(reader);
            threads.reads = true;
        }
        threads.wanted = serving;
        while self.serving() < serving {
            self.add_server(&mut threads, &spawn_server)?;
        }
        Ok(())
    }

    fn add_server(
        &self,
        threads: &mut Threads,
        spawn_server: impl FnOnce() -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let server = spawn_server()?;
        // What was surplus has ended, or is about to.
        threads.handles.retain(|handle| !handle.is_finished());
        threads.handles.push(server);
        self.serving.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// A thread is about to wait inside a hook. If too few are left that serve, another one replaces it.
    pub(crate) fn replace(
        &self,
        is_stopping: impl FnOnce() -> bool,
        spawn_server: impl FnOnce() -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let mut threads = self.threads.lock();
        threads.waiting += 1;
        let left = self.serving().saturating_sub(threads.waiting);
        if left < threads.wanted && !is_stopping() { self.add_server(&mut threads, spawn_server) } else { Ok(()) }
    }

    /// A thread that was [replaced](Self::replace) serves again.
    pub(crate) fn is_back(&self) {
        let mut threads = self.threads.lock();
        threads.waiting -= 1;
        self.note_surplus(&threads);
    }

    fn note_surplus(&self, threads: &Threads) {
        let there = self.serving().saturating_sub(threads.waiting);
        self.is_surplus.store(there > threads.wanted + SPARE, Ordering::Relaxed);
    }

    /// Called by a thread that serves, between two faults: whether it is to end, because there are more than are needed.
    #[inline]
    pub(crate) fn leave_if_surplus(&self) -> bool {
        self.is_surplus.load(Ordering::Relaxed) && self.leave()
    }

    #[cold]
    fn leave(&self) -> bool {
        let threads = self.threads.lock();
        self.note_surplus(&threads);
        let leaves = self.is_surplus.load(Ordering::Relaxed);
        if leaves {
            self.serving.fetch_sub(1, Ordering::Release);
            self.note_surplus(&threads);
        }
        leaves
    }

    /// A thread that has served is at its end.
    pub(crate) fn server_left(&self) {
        let threads = self.threads.lock();
        self.serving.fetch_sub(1, Ordering::Release);
        drop(threads);
        // Whoever has told this thread to leave goes on.
        self.uffd.acknowledge_leave();
    }

    /// The thread that has read is at its end.
    pub(crate) fn reader_left(&self) {
        self.threads.lock().reads = false;
        self.uffd.acknowledge_leave();
    }

    /// Tells the threads to leave, and gives them back. Hooks that wait were interrupted before.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        loop {
            let mut threads = self.threads.lock();
            // The thread that reads has the others leave.
            let is_read = if self.queue().is_some() { threads.reads } else { self.serving() != 0 };
            if !is_read {
                return mem::take(&mut threads.handles);
            }
            // Under the lock, so that the thread is not at its end already.
            self.uffd.prepare_to_tell();
            drop(threads);
            if self.uffd.tell_to_leave() == Told::All {
                return mem::take(&mut self.threads.lock().handles);
            }
        }
    }
}
