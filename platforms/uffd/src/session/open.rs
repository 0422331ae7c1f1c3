//! How a session is opened, for this process or for a guest.

use std::{
    os::unix::net::UnixStream,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use parking_lot::Mutex;

use vmctx_hosted::queue::Sleepers;

use crate::{
    error::OpenError,
    kernel::{home::Home, open::Purpose, signals, userfaultfd::Userfaultfd},
    memory::Memory,
    mm::address_space::AddressSpace,
    process::{
        agent::{Agent, Joined},
        owner::Owner,
    },
    serve::{
        in_thread::{self, InThread},
        readers::Readers,
        refaults::Refaults,
        server,
        shared::{GuestLink, Shared, Which},
    },
};

use super::{
    calls::Session,
    guest_thread,
    options::{Options, Tracking},
};

impl Session {
    /// Opens a session for drivers whose pages come from this memory.
    ///
    /// # Errors
    /// What is missing here, and what to do about it.
    pub fn open(memory: &Memory) -> Result<Self, OpenError> {
        Options::default().open(memory)
    }

    /// Opens a session that serves the faults of another process, from here: see
    /// [the crate's page](crate#another-process).
    ///
    /// # Errors
    /// As [`open`](Self::open); and what is wrong with the other side.
    pub fn open_for(memory: &Memory, guest: UnixStream) -> Result<Self, OpenError> {
        Options::default().open_for(memory, guest)
    }
}

impl Options {
    /// Opens a session with these.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(self, memory: &Memory) -> Result<Session, OpenError> {
        if !memory.is_here() {
            return Err(OpenError::Forked);
        }
        let refused = OpenError::refused;
        if self.in_thread && self.refuse_user_mode_only {
            return Err(OpenError::InThreadUserModeOnly);
        }
        let owner = Owner::this_process(Home::here().map_err(refused)?);
        let purpose = Purpose {
            moves: false,
            in_thread: self.in_thread,
            all_faults: self.refuse_user_mode_only,
            huge: memory.is_huge(),
            wp_async: self.tracking == Some(Tracking::Kernel) && owner.can_tell_written(),
        };
        let uffd = Userfaultfd::open(purpose)?;
        signals::install_handlers::<InThread>().map_err(refused)?;
        self.start(memory, owner, Readers::new(uffd), OnceLock::new(), None)
    }

    /// Opens a session with these for the process at the other end of a Unix socket, which calls [`Guest::join`] with
    /// that end: its drivers are here, its users there. Waits until that process does.
    ///
    /// # Errors
    /// As [`Session::open_for`].
    ///
    /// [`Guest::join`]: crate::Guest::join
    pub fn open_for(self, memory: &Memory, guest: UnixStream) -> Result<Session, OpenError> {
        if self.in_thread {
            return Err(OpenError::InThread);
        }
        if memory.is_huge() {
            return Err(OpenError::GuestHugePages);
        }
        if !memory.is_here() {
            return Err(OpenError::Forked);
        }
        let Joined { agent, direct, moving, sigbus_socket } = Agent::accept(guest, memory, self.refuse_user_mode_only)?;
        let guest = GuestLink { agent: Arc::new(agent), sigbus_socket, thread: Mutex::default() };
        let moving = OnceLock::from(Readers::new(moving));
        let owner = Owner::Guest(Arc::clone(&guest.agent));
        let session = self.start(memory, owner, Readers::new(direct), moving, Some(guest))?;
        guest_thread::start(&session.shared)?;
        Ok(session)
    }

    fn start(
        self,
        memory: &Memory,
        owner: Owner,
        direct: Readers,
        moving: OnceLock<Readers>,
        guest: Option<GuestLink>,
    ) -> Result<Session, OpenError> {
        let shared = Arc::new(Shared {
            direct,
            moving,
            in_thread: self.in_thread,
            tracks: self.tracking.is_some(),
            memory: memory.clone(),
            space: AddressSpace::new(owner),
            counters: Arc::default(),
            thread_counters: Mutex::default(),
            stopping: AtomicBool::new(false),
            errors: Mutex::default(),
            sleepers: Sleepers::default(),
            refaults: Refaults::new(self.refaults.max(1)),
            strays: Refaults::new(self.refaults.max(1)),
            guest,
        });
        let session = Session { shared };
        if self.in_thread {
            in_thread::add(&session.shared);
        }
        let readers = if self.in_thread { 0 } else { self.readers.max(1) };
        server::start(&session.shared, Which::Direct, readers)?;
        Ok(session)
    }
}
