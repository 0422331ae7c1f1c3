//! The session's end of the socket to a guest.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    error::{OpenError, RawErrno},
    kernel::{home::Home, ioctl, memory_probe::MemoryProbe, userfaultfd::Userfaultfd},
    memory::Memory,
};

use super::{
    protocol::{self, ADDRESS, ANSWER, Answer, Hello, Request, greet, greeted, refused},
    socket::{self, PeerSocket},
};

/// Makes a session's requests to its guest.
pub(crate) struct Agent {
    socket: PeerSocket,
    /// Held from a request to its answer. To answer, the guest needs nothing of this process except that the events of
    /// moves are read.
    in_use: Mutex<()>,
    gone: AtomicBool,
    /// The process lives on, without anything of the session.
    left: Arc<AtomicBool>,
    /// A userfaultfd of the process's with which nothing is registered, and what asks it whether the memory is there.
    life: OwnedFd,
    probe: MemoryProbe,
    home: Home,
}

/// A guest that has joined, and the descriptors that it has brought.
pub(crate) struct Joined {
    pub(crate) agent: Agent,
    pub(crate) direct: Userfaultfd,
    pub(crate) moving: Userfaultfd,
    /// On which it sends the addresses where a SIGBUS was delivered.
    pub(crate) sigbus_socket: UnixStream,
}

impl Agent {
    /// Waits for the guest at the other end of a socket to join, which may have to have all of its faults served, and not
    /// those of user mode only.
    pub(crate) fn accept(stream: UnixStream, memory: &Memory, all_faults: bool) -> Result<Joined, OpenError> {
        let hello = Hello { user_mode_only: false };
        socket::prepare(&stream).map_err(refused)?;
        let (greeting, Hello { user_mode_only }, [direct, moving, sigbus_socket, life]) = greeted(&stream)
            .inspect_err(|error| {
                if matches!(error, OpenError::OtherVersion { .. }) {
                    // With this greeting the guest can say it as well.
                    let _ = greet(&stream, hello, &[]);
                }
            })?;
        for sent in [&direct, &moving, &life] {
            if !ioctl::is_userfaultfd(sent).map_err(refused)? {
                return Err(OpenError::OtherProtocol);
            }
        }
        if user_mode_only && all_faults {
            return Err(OpenError::GuestUserModeOnly);
        }
        greet(&stream, hello, &[memory.fd()])?;
        let socket = PeerSocket::new(stream, greeting).map_err(refused)?;
        let left = Arc::<AtomicBool>::default();
        let adopted = |fd, moves| Userfaultfd::adopt(fd, user_mode_only, moves).map_err(refused);
        Ok(Joined {
            direct: adopted(direct, false)?.until(Arc::clone(&left)),
            moving: adopted(moving, true)?.until(Arc::clone(&left)),
            agent: Self {
                socket,
                in_use: Mutex::new(()),
                gone: AtomicBool::new(false),
                left,
                life,
                probe: MemoryProbe::new().map_err(refused)?,
                home: Home::here().map_err(refused)?,
            },
            sigbus_socket: UnixStream::from(sigbus_socket),
        })
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire) || self.is_inherited()
    }

    /// Whether nothing of the session's can be touched any more by anybody who had it: the guest has taken it all away, or
    /// nobody has that memory.
    pub(crate) fn has_nothing(&self) -> bool {
        let is_nobodys = || self.left.load(Ordering::Acquire) || self.probe.goes(&self.life);
        self.is_inherited() || (self.is_gone() && is_nobodys())
    }

    /// Whether this is a child of the process that the guest has joined.
    pub(crate) fn is_inherited(&self) -> bool {
        !self.home.is_here()
    }

    /// Has the guest carry out a request. Once anything has gone wrong with the socket, the process is taken to have gone.
    pub(crate) fn call(&self, request: &Request) -> Answer {
        // A child of fork has the same socket.
        self.home.check()?;
        let in_use = self.in_use.lock();
        let mut bytes = [0; ANSWER];
        let sent = if self.is_gone() { Err(RawErrno::SRCH) } else { self.socket.send(&request.bytes()) };
        let answer = sent
            .and_then(|()| self.socket.receive_while(&mut bytes, || !self.probe.is_gone(&self.life)))
            .ok()
            .and_then(|()| protocol::answer_of(&bytes));
        drop(in_use);
        answer.unwrap_or_else(|| {
            self.hang_up();
            Err(RawErrno::SRCH)
        })
    }

    /// Has the guest carry out a request whose answer is an address.
    pub(crate) fn call_for_address(&self, request: &Request) -> Result<usize, RawErrno> {
        self.call(request).and_then(|address| usize::try_from(address).map_err(|_| RawErrno::IO))
    }

    /// Makes no requests any more. The guest takes away what it still has mapped.
    pub(crate) fn hang_up(&self) {
        self.gone.store(true, Ordering::Release);
        if !self.is_inherited() {
            if !self.socket.has_died() {
                self.left.store(true, Ordering::Release);
            }
            self.socket.hang_up();
        }
    }

    /// Waits until the guest says where a SIGBUS was delivered. `None` once it has gone.
    pub(crate) fn next_sigbus(&self, sigbus_socket: &UnixStream) -> Option<usize> {
        let mut bytes = [0; ADDRESS];
        self.socket.receive_from(sigbus_socket, &mut bytes).ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_brings_something_else_than_userfaultfds_is_none() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let other = OwnedFd::from(UnixStream::pair().unwrap().0);
        let joining = std::thread::spawn(move || {
            let hello = Hello { user_mode_only: false };
            protocol::join(theirs, hello, [&other, &other, &other, &other]).map(drop)
        });
        let memory = Memory::new(vmctx::PageCount::new(1)).unwrap();
        assert_eq!(Agent::accept(ours, &memory, false).map(drop), Err(OpenError::OtherProtocol));
        assert_eq!(joining.join().unwrap(), Err(OpenError::HungUp), "and is given no memory");
    }
}
