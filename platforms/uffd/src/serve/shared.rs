//! What the threads of a session share.

use std::{
    os::unix::net::UnixStream,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use parking_lot::Mutex;

use vmctx::UserAddr;
use vmctx_hosted::queue::Sleepers;

use crate::{
    error::{KernelError, RawErrno, SessionError},
    kernel::userfaultfd::Userfaultfd,
    memory::Memory,
    mm::address_space::AddressSpace,
    process::agent::Agent,
    statistics::Counters,
};

use super::{readers::Readers, refaults::Refaults};

/// What the threads of a session share: those that serve its faults, and those that make its calls.
pub(crate) struct Shared {
    pub(crate) direct: Readers,
    /// For mappings whose drivers are told of stores. Made for the first of these.
    pub(crate) moving: OnceLock<Readers>,
    pub(crate) in_thread: bool,
    /// First stores to shared mappings are noted.
    pub(crate) tracks: bool,
    pub(crate) memory: Memory,
    pub(crate) space: AddressSpace,
    /// What threads count that have no counters of their own.
    pub(crate) counters: Arc<Counters>,
    pub(crate) thread_counters: Mutex<Vec<Arc<Counters>>>,
    pub(crate) stopping: AtomicBool,
    pub(crate) errors: Mutex<Vec<SessionError>>,
    /// Threads that wait inside hooks.
    pub(crate) sleepers: Sleepers,
    pub(crate) refaults: Refaults,
    /// Accesses that are repeated where nothing of the session's is.
    pub(crate) strays: Refaults,
    /// If the addresses are another process's.
    pub(crate) guest: Option<GuestLink>,
}

/// The session's side of a guest.
pub(crate) struct GuestLink {
    pub(crate) agent: Arc<Agent>,
    /// On which the guest sends the addresses where a SIGBUS was delivered.
    pub(crate) sigbus_socket: UnixStream,
    /// The thread that reads them, and notices when the guest has gone.
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
}

/// One of a session's userfaultfds.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    Direct,
    Moving,
}

impl Shared {
    pub(crate) fn readers(&self, which: Which) -> Option<&Readers> {
        match which {
            Which::Direct => Some(&self.direct),
            Which::Moving => self.moving.get(),
        }
    }

    pub(crate) fn all_readers(&self) -> impl Iterator<Item = &Readers> {
        self.moving.get().into_iter().chain([&self.direct])
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Tells the session's owner of an error.
    pub(crate) fn report(&self, error: SessionError) {
        let mut errors = self.errors.lock();
        // What goes wrong again and again fills no more memory than this.
        if errors.len() < 1000 {
            errors.push(error);
        }
    }

    /// An access is repeated, and nothing was inserted for it. Gives back how often it was, if that is too often.
    pub(crate) fn note_refault(&self, address: usize) -> Option<usize> {
        self.counters.count(|of| &of.refaults);
        self.refaults.note(address)
    }

    /// An access is repeated where nothing of this session's is. Whether it was too often, which is reported: then it is to
    /// have its signal.
    #[cold]
    pub(crate) fn is_stray(&self, address: usize) -> bool {
        let Some(refaults) = self.strays.note(address) else { return false };
        self.report(SessionError::RefaultsForever { address: UserAddr::new(address), refaults });
        true
    }

    /// Counters for a thread that serves.
    pub(crate) fn counters_of_a_thread(&self) -> Arc<Counters> {
        let counters = Arc::new(Counters::of_one_thread());
        self.thread_counters.lock().push(Arc::clone(&counters));
        counters
    }

    /// Takes over what a thread has counted that is at its end.
    pub(crate) fn take_over(&self, counters: &Arc<Counters>) {
        let mut all = self.thread_counters.lock();
        if let Some(index) = all.iter().position(|other| Arc::ptr_eq(other, counters)) {
            all.swap_remove(index);
            self.counters.take_over(counters);
        }
    }

    /// Events cannot be read any more, so that nobody serves faults: whoever waits must not wait for ever, and nobody is
    /// handed zeros.
    pub(crate) fn cannot_read(&self, uffd: &Userfaultfd, errno: RawErrno) {
        self.report(SessionError::Unreadable(KernelError::of(errno)));
        if let Some(guest) = &self.guest {
            // It has descriptors of its own, with which whoever faults would wait on. It takes everything away that is
            // mapped.
            guest.agent.hang_up();
        }
        self.space.poison_all();
        // Whoever moves a mapping waits for the event to be read, and goes on when this is closed.
        if self.space.take_away_again() {
            uffd.close(self.memory.fd());
        }
    }
}
