//! A guest: this process's side of a session of another process's. A thread carries out the session's requests.
//!
//! Nothing that comes over the socket reaches a system call unchecked: only addresses are changed that this guest has
//! reserved itself. The thread never touches the memory that is mapped there, and so never waits for a fault.

use std::{
    fmt, mem,
    ops::Range,
    os::{fd::OwnedFd, unix::net::UnixStream},
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use rustix::event::PollFlags;

use vmctx::UserAddr;
use vmctx_hosted::hook;

use crate::{
    error::{OpenError, RawErrno, Trap},
    kernel::{
        home::Home,
        ioctl,
        open::{self, Opened, Purpose},
        signals,
        sys::{self, PAGE_SIZE, View},
        undisturbed,
    },
    process::{
        addresses::Addresses,
        owner::Owner,
        protocol::{self, ANSWER, Answer, Hello, REQUEST, Request, answer_bytes},
        socket::{self, PeerSocket},
    },
    serve::in_thread::InThread,
};

/// This process's side of a session that is another process's: its drivers serve the page faults of this one.
///
/// Where something is mapped the other process decides, with [`Session::mmap`](crate::Session::mmap), and tells in ways
/// of its own. It is ordinary memory of this process then, for any code in it.
///
/// It fails closed. When the session ends, or its process does, or when this is dropped, an access to what was mapped is
/// a SIGSEGV, for whoever waits too; nobody is handed zeros for want of a server. As long as this is not dropped, the
/// addresses are given to nobody else. A child of fork has nothing of it, and dropping it there does nothing.
pub struct Guest {
    shared: Arc<GuestState>,
    thread: Option<JoinHandle<()>>,
}

/// What a guest and its threads share.
struct GuestState {
    addresses: Addresses,
    socket: PeerSocket,
    /// On which this process tells the session where a SIGBUS was delivered.
    sigbus_socket: Mutex<UnixStream>,
    user_mode_only: bool,
    ended: AtomicBool,
    home: Home,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("ended", &self.has_ended()).finish_non_exhaustive()
    }
}

impl Guest {
    /// Has this process's faults served by the process at the other end of a Unix socket, which calls
    /// [`Session::open_for`](crate::Session::open_for) with that end. Waits until it does.
    ///
    /// # Errors
    /// As [`Session::open`](crate::Session::open); and what is wrong with the other side.
    pub fn join(stream: UnixStream) -> Result<Self, OpenError> {
        let refused = OpenError::refused;
        if sys::page_size() != PAGE_SIZE {
            return Err(OpenError::PageSize(sys::page_size()));
        }
        let home = Home::here().map_err(refused)?;
        let Opened { fd: direct, user_mode_only, .. } = open::userfaultfd(Purpose::default())?;
        let Opened { fd: moving, .. } = open::userfaultfd(Purpose { moves: true, ..Purpose::default() })?;
        let Opened { fd: life, .. } = open::userfaultfd(Purpose::default())?;
        for fd in [&direct, &moving] {
            sys::set_nonblocking(fd).map_err(refused)?;
        }
        signals::install_handlers::<InThread>().map_err(refused)?;
        let (sigbus_socket, theirs) = UnixStream::pair()?;
        let fds = [&direct, &moving, &OwnedFd::from(theirs), &life];
        let (socket, memory) = protocol::join(stream, Hello { user_mode_only }, fds)?;
        let memory_bytes = socket::size_of_file(&memory).map_err(|_| OpenError::OtherProtocol)?;
        let shared = Arc::new(GuestState {
            addresses: Addresses::new(Owner::this_process(home)),
            socket,
            sigbus_socket: Mutex::new(sigbus_socket),
            user_mode_only,
            ended: AtomicBool::new(false),
            home,
        });
        let uffds = Userfaultfds { direct, moving: Arc::new(moving), drain: None };
        let service = Service { shared: Arc::clone(&shared), uffds: Some(uffds), memory, memory_bytes };
        let thread = undisturbed::spawn("vmctx-guest", move || service.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// [`Session::is_user_mode_only`](crate::Session::is_user_mode_only), of this process's accesses.
    #[must_use]
    pub fn is_user_mode_only(&self) -> bool {
        self.shared.user_mode_only
    }

    /// Whether the session is over, and nothing of it mapped any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }

    /// Loads bytes. If one cannot be loaded, that is an error and does not end the process: as with
    /// [`Session::read`](crate::Session::read) in a session of this process's own.
    ///
    /// # Errors
    /// As there.
    pub fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.accessed(self.shared.addresses.load(address, into))
    }

    /// Stores bytes. As [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.accessed(self.shared.addresses.store(address, from))
    }

    fn accessed(&self, result: Result<(), Trap>) -> Result<(), Trap> {
        if let Err(Trap::Sigbus(at)) = result {
            self.retry(at);
        }
        if !self.shared.home.is_here() {
            return result;
        }
        // The session may have given addresses up while this access was in the middle of them.
        self.shared.addresses.give_back();
        result
    }

    /// [`Session::retry`](crate::Session::retry): waits until the session has done it. Does nothing if the session is
    /// over.
    pub fn retry(&self, address: UserAddr) {
        if hook::in_the_way().is_some() || !self.shared.home.is_here() {
            return;
        }
        let sigbus_socket = self.shared.sigbus_socket.lock();
        if socket::send(&sigbus_socket, &(address.get() as u64).to_le_bytes()).is_ok() {
            let _ = self.shared.socket.receive_from(&sigbus_socket, &mut [0]);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if !self.shared.home.is_here() {
            // A child of fork has the same socket, and no such thread.
            mem::forget((Arc::clone(&self.shared), self.thread.take()));
            return;
        }
        // Ends the thread, which takes away everything that is mapped and only then tells the session.
        self.shared.socket.stop_receiving();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
        // No access is in the middle of them: it would have this borrowed.
        for range in self.shared.addresses.all() {
            self.shared.addresses.retire(range);
        }
        self.shared.addresses.give_back();
    }
}

/// This process's own descriptors of the userfaultfds. As long as it has them, nobody who waits is handed zeros.
struct Userfaultfds {
    direct: OwnedFd,
    moving: Arc<OwnedFd>,
    drain: Option<MoveDrain>,
}

impl Userfaultfds {
    fn wake(&self, range: &Range<usize>) {
        for fd in [&self.direct, &*self.moving] {
            // It fails only for a range that is none.
            let _ = ioctl::wake(fd, range);
        }
    }
}

/// A thread that reads the events of moves once the session, which reads them otherwise, has gone: a move ends only when
/// its event was read.
struct MoveDrain {
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl MoveDrain {
    fn new(shared: &Arc<GuestState>, moving: &Arc<OwnedFd>) -> Result<Self, RawErrno> {
        let stop = sys::event_fd()?;
        let until = stop.try_clone().map_err(|_| RawErrno::MFILE)?;
        let (shared, moving) = (Arc::clone(shared), Arc::clone(moving));
        let run = move || {
            let stop = || socket::wanted(&until, PollFlags::IN);
            let [hangs_up, dies] = shared.socket.end();
            let _ = socket::poll([stop(), hangs_up, dies]);
            while socket::poll([stop(), socket::wanted(&*moving, PollFlags::IN)]).is_ok_and(|[stop, _]| stop.is_empty())
            {
                socket::drain(&moving);
            }
        };
        let thread = undisturbed::spawn("vmctx-guest", run);
        Ok(Self { stop, thread: Some(thread.map_err(|_| RawErrno::AGAIN)?) })
    }
}

impl Drop for MoveDrain {
    fn drop(&mut self) {
        sys::notify(&self.stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread that carries out the session's requests.
struct Service {
    shared: Arc<GuestState>,
    uffds: Option<Userfaultfds>,
    memory: OwnedFd,
    memory_bytes: u64,
}

impl Service {
    fn run(mut self) {
        let mut request = [0; REQUEST];
        while self.shared.socket.receive(&mut request).is_ok() {
            let answer: [u8; ANSWER] = answer_bytes(self.answer(Request::of(&request)));
            if self.shared.socket.send(&answer).is_err() {
                break;
            }
        }
    }

    fn answer(&mut self, request: Option<Request>) -> Answer {
        let addresses = &self.shared.addresses;
        let ours = |range: Range<usize>| if addresses.contain(&range) { Ok(range) } else { Err(RawErrno::PERM) };
        let whole = |range: Range<usize>| if addresses.is_whole(&range) { Ok(range) } else { Err(RawErrno::PERM) };
        let done = match request.ok_or(RawErrno::INVAL)? {
            Request::Reserve { bytes, at } => {
                addresses.give_back();
                return Ok(addresses.reserve(bytes, at)? as u64);
            }
            Request::Replace { range, offset, shared, prot } => {
                let range = ours(range)?;
                if offset.checked_add(range.len() as u64).is_none_or(|end| end > self.memory_bytes) {
                    return Err(RawErrno::INVAL);
                }
                // SAFETY: this guest's addresses.
                unsafe { sys::replace(&range, View { fd: &self.memory, offset, shared, prot }) }
            }
            Request::ReplaceByNothing { range, prot } => {
                // SAFETY: this guest's addresses.
                unsafe { sys::replace_by_nothing(&ours(range)?, prot) }
            }
            Request::Move { from, to } => {
                let (from, to) = (whole(from.clone())?, ours(to..to.saturating_add(from.len()))?);
                self.move_to(&from, to.start)
            }
            Request::MakeInaccessible(range) => {
                // SAFETY: this guest's addresses.
                unsafe { sys::make_inaccessible(&ours(range)?) }
            }
            Request::Unmap(range) => {
                let range = whole(range)?;
                // The addresses stay reserved as long as an access is in the middle of them.
                // SAFETY: this guest's addresses.
                unsafe { sys::make_inaccessible(&range) }?;
                addresses.retire(range);
                addresses.give_back();
                Ok(())
            }
            Request::Protect { range, prot } => {
                // SAFETY: this guest's addresses.
                unsafe { sys::protect(&ours(range)?, prot) }
            }
            Request::Zap(range) => {
                // SAFETY: this guest's addresses.
                unsafe { sys::zap(&ours(range)?) }
            }
            Request::PrivateCopies(range) => {
                let copies = addresses.owner().private_copies(&ours(range)?)?;
                return Ok(copies.iter().rev().fold(0, |bits, copied| bits << 1 | u64::from(*copied)));
            }
            Request::CloseUserfaultfds => {
                self.uffds = None;
                Ok(())
            }
        };
        done.map(|()| 0)
    }

    fn move_to(&mut self, from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
        // Once the userfaultfds are closed, nobody reads the event of the move.
        let uffds = self.uffds.as_mut().ok_or(RawErrno::PERM)?;
        if uffds.drain.is_none() {
            uffds.drain = Some(MoveDrain::new(&self.shared, &uffds.moving)?);
        }
        // As soon as the mapping is moved, its old addresses may be given to somebody else.
        self.shared.addresses.forget(from);
        // SAFETY: both are this guest's addresses, and nobody knows of the first.
        let moved = unsafe { sys::move_to(from, to) };
        if moved.is_err() {
            self.shared.addresses.remember(from);
        }
        moved
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let all = self.shared.addresses.all();
        // SAFETY: this guest's addresses.
        let (gone, left): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|range| unsafe { sys::make_inaccessible(range) }.is_ok());
        if let Some(uffds) = self.uffds.take() {
            gone.iter().for_each(|range| uffds.wake(range));
            if !left.is_empty() {
                // Whoever waits there waits for ever. If the descriptors were closed, it would be handed zeros.
                mem::forget(uffds);
            }
        }
        self.shared.ended.store(true, Ordering::Release);
        self.shared.socket.hang_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::sys::ProtFlags, memory::Memory, process::agent::Agent};
    use vmctx::PageCount;

    fn guest() -> (Guest, Agent) {
        let memory = Memory::new(PageCount::new(8)).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let joining = thread::spawn(|| Guest::join(theirs).unwrap());
        let agent = Agent::accept(ours, &memory, false).unwrap().agent;
        (joining.join().unwrap(), agent)
    }

    fn reserve(agent: &Agent, pages: usize) -> Range<usize> {
        let bytes = pages * PAGE_SIZE;
        let start = agent.call_for_address(&Request::Reserve { bytes, at: None }).unwrap();
        start..start + bytes
    }

    fn replace(range: &Range<usize>, offset: u64) -> Request {
        Request::Replace { range: range.clone(), offset, shared: true, prot: ProtFlags::READ | ProtFlags::WRITE }
    }

    const REFUSED: Answer = Err(RawErrno::PERM);
    const WRONG: Answer = Err(RawErrno::INVAL);

    fn everything_at(range: &Range<usize>) -> [Request; 6] {
        [
            replace(range, 0),
            Request::MakeInaccessible(range.clone()),
            Request::Unmap(range.clone()),
            Request::Protect { range: range.clone(), prot: ProtFlags::empty() },
            Request::Zap(range.clone()),
            Request::PrivateCopies(range.clone()),
        ]
    }

    #[test]
    fn what_the_guest_has_not_reserved_is_not_touched() {
        let (guest, agent) = guest();
        let ours = reserve(&agent, 2);
        let page = vec![7_u8; 3 * PAGE_SIZE];
        let start = page.as_ptr().addr().next_multiple_of(PAGE_SIZE);
        let outside = start..start + 2 * PAGE_SIZE;
        let over_the_end = ours.start + PAGE_SIZE..ours.end + PAGE_SIZE;
        let before = ours.start - PAGE_SIZE..ours.start + PAGE_SIZE;
        let everywhere = PAGE_SIZE..usize::MAX - PAGE_SIZE + 1;
        for range in [&outside, &over_the_end, &before] {
            for request in everything_at(range) {
                assert_eq!(agent.call(&request), REFUSED, "{request:?}");
            }
            assert_eq!(agent.call(&Request::Move { from: ours.clone(), to: range.start }), REFUSED);
            assert_eq!(agent.call(&Request::Move { from: range.clone(), to: ours.start }), REFUSED);
        }
        assert_eq!(agent.call(&Request::Zap(everywhere)), REFUSED);
        assert!(page.iter().all(|byte| *byte == 7));
        // Where null pointers lead is nobody's.
        assert_eq!(agent.call(&Request::Reserve { bytes: PAGE_SIZE, at: Some(0) }), REFUSED);
        // A part of what was reserved goes nowhere by itself.
        let part = ours.start..ours.start + PAGE_SIZE;
        assert_eq!(agent.call(&Request::Unmap(part.clone())), REFUSED);
        let target = reserve(&agent, 2);
        assert_eq!(agent.call(&Request::Move { from: part, to: target.start }), REFUSED);
        // What is no range at all, and what is behind the memory's end.
        assert_eq!(agent.call(&Request::Zap(ours.start + 1..ours.end + 1)), WRONG);
        assert_eq!(agent.call(&replace(&ours, 1 << 60)), WRONG);
        assert_eq!(agent.call(&replace(&ours, u64::MAX - PAGE_SIZE as u64 + 1)), WRONG);
        // And it goes on.
        assert_eq!(agent.call(&replace(&ours, 0)), Ok(0));
        assert_eq!(guest.read(UserAddr::new(ours.start), &mut [1]), Ok(()));
    }

    #[test]
    fn what_was_given_back_is_not_touched_either() {
        let (_guest, agent) = guest();
        let (unmapped, moved, target) = (reserve(&agent, 1), reserve(&agent, 1), reserve(&agent, 1));
        assert_eq!(agent.call(&Request::Unmap(unmapped.clone())), Ok(0));
        assert_eq!(agent.call(&replace(&moved, 0)), Ok(0));
        assert_eq!(agent.call(&Request::Move { from: moved.clone(), to: target.start }), Ok(0));
        for range in [unmapped, moved] {
            for request in everything_at(&range) {
                assert_eq!(agent.call(&request), REFUSED, "{request:?}");
            }
        }
        // Once nobody reads it any more, nothing is moved that would have to be read.
        assert_eq!(agent.call(&Request::CloseUserfaultfds), Ok(0));
        let other = reserve(&agent, 1);
        assert_eq!(agent.call(&Request::Move { from: other, to: target.start }), REFUSED);
        assert_eq!(agent.call(&Request::Zap(target)), Ok(0));
    }

    #[test]
    fn nothing_is_mapped_any_more_when_the_session_has_hung_up() {
        let (guest, agent) = guest();
        let ours = reserve(&agent, 2);
        let at = UserAddr::new(ours.start);
        assert_eq!((agent.call(&replace(&ours, 0)), guest.read(at, &mut [1])), (Ok(0), Ok(())));
        agent.hang_up();
        assert_eq!(agent.call(&Request::Zap(ours)), Err(RawErrno::SRCH));
        while !guest.has_ended() {
            thread::yield_now();
        }
        assert_eq!(guest.read(at, &mut [1]), Err(Trap::Sigsegv(at)));
    }
}
