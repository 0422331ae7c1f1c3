//! A userfaultfd, and the threads that read it and serve its events: how many there are, and how they end. What they do
//! is said elsewhere.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use parking_lot::Mutex;

use crate::kernel::userfaultfd::{Told, Userfaultfd};

use super::queue::Queue;

/// The most threads that serve: each but the first replaces one that waits inside a hook.
pub(crate) const MAX_THREADS: usize = 64;

/// A userfaultfd, and the threads behind it.
pub(crate) struct Readers {
    uffd: Arc<Userfaultfd>,
    /// Where the userfaultfd is told of moves, whoever moves a mapping holds locks until that event was read. So the
    /// thread that reads must never wait for a lock: it leaves the faults here, and others serve them.
    queue: Option<Queue>,
    threads: Mutex<Threads>,
    /// How many threads serve. Changed under the lock on the threads.
    serving: AtomicUsize,
}

#[derive(Default)]
struct Threads {
    handles: Vec<JoinHandle<()>>,
    /// How many are meant to serve.
    wanted: usize,
    /// How many of those that serve wait inside a hook.
    waiting: usize,
}

impl Readers {
    /// Whoever reads serves what it has read.
    pub(crate) fn direct(uffd: Userfaultfd) -> Self {
        Self { uffd: Arc::new(uffd), queue: None, threads: Mutex::default(), serving: AtomicUsize::new(0) }
    }

    /// One thread reads, and others serve.
    pub(crate) fn queued(uffd: Userfaultfd) -> Self {
        Self { queue: Some(Queue::default()), ..Self::direct(uffd) }
    }

    pub(crate) fn uffd(&self) -> &Arc<Userfaultfd> {
        &self.uffd
    }

    pub(crate) fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    /// How many threads serve.
    pub(crate) fn serving(&self) -> usize {
        self.serving.load(Ordering::Acquire)
    }

    /// Starts the threads that do not run yet: the one that only reads, if there is to be one, and so many that serve.
    pub(crate) fn start(
        &self,
        serving: usize,
        spawn_reader: impl FnOnce() -> io::Result<JoinHandle<()>>,
        spawn_server: impl Fn() -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let mut threads = self.threads.lock();
        if self.queue.is_some() && threads.handles.is_empty() {
            let reader = spawn_reader()?;
            threads.handles.push(reader);
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
        threads.handles.push(server);
        self.serving.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Waits inside a hook. If too few threads are left that serve, another one replaces this one.
    pub(crate) fn while_replaced<T>(
        &self,
        is_stopping: impl FnOnce() -> bool,
        spawn_server: impl FnOnce() -> io::Result<JoinHandle<()>>,
        wait: impl FnOnce() -> T,
    ) -> T {
        let mut threads = self.threads.lock();
        threads.waiting += 1;
        let left = self.serving().saturating_sub(threads.waiting);
        if left < threads.wanted && self.serving() < MAX_THREADS && !is_stopping() {
            // If that fails, this waits all the same: what it waits for may come from elsewhere.
            let _ = self.add_server(&mut threads, spawn_server);
        }
        drop(threads);
        let waited = wait();
        self.threads.lock().waiting -= 1;
        waited
    }

    /// A thread that has served is at its end.
    pub(crate) fn server_left(&self) {
        let threads = self.threads.lock();
        self.serving.fetch_sub(1, Ordering::Release);
        drop(threads);
        // Whoever has told this thread to leave goes on.
        self.uffd.acknowledge_leave();
    }

    /// Tells the threads to leave, and gives them back. Hooks that wait were interrupted before.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        while self.queue.is_some() || self.serving() != 0 {
            if self.uffd.tell_to_leave() == Told::All {
                break;
            }
        }
        mem::take(&mut self.threads.lock().handles)
    }
}
