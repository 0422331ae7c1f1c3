//! The other process's side of a session: a thread that does what the session asks for, to this process's addresses.
//!
//! Nothing that comes over the socket reaches a system call unchecked: only addresses are touched that this guest has
//! itself reserved. The thread never touches what is mapped there, and so never waits for a fault.

use std::{
    fmt,
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

use super::{
    KernelError, OpenError, Trap,
    addresses::Addresses,
    agent::{ANSWER, Answer, Hello, REQUEST, Request, answer_bytes, introduce},
    hook,
    link::{self, Link},
    place::Place,
    probe,
    sys::{self, PAGE_SIZE, RawErrno, View},
    userfault::{self, Purpose},
};

/// This process's side of a session that is another process's: its drivers serve the page faults of this one.
///
/// Where something is mapped the other process decides, with [`Session::mmap`](super::Session::mmap), and tells in ways
/// of its own. It is ordinary memory of this process then, for any code in it.
///
/// It fails closed. When the session ends, or its process does, or when this is dropped, an access to what was mapped is
/// a SIGSEGV, for whoever waits too; nobody is handed zeros for want of a server. As long as this is not dropped, the
/// addresses are given to nobody else.
pub struct Guest {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    addresses: Addresses,
    link: Link,
    /// Where this process says something by itself.
    asks: Mutex<UnixStream>,
    user_mode_only: bool,
    ended: AtomicBool,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("ended", &self.has_ended()).finish_non_exhaustive()
    }
}

impl Guest {
    /// Has this process's faults served by the process at the other end of a Unix socket, which calls
    /// [`Session::open_for`](super::Session::open_for) with that end. Waits until it does.
    ///
    /// # Errors
    /// As [`Session::open`](super::Session::open); and what is wrong with the other side.
    pub fn join(stream: UnixStream) -> Result<Self, OpenError> {
        let refused = |errno| OpenError::Refused(KernelError::from(errno));
        if sys::page_size() != PAGE_SIZE {
            return Err(OpenError::PageSize(sys::page_size()));
        }
        let (direct, user_mode_only) = userfault::open_fd(Purpose::default())?;
        let (moving, _) = userfault::open_fd(Purpose { moves: true, ..Purpose::default() })?;
        for fd in [&direct, &moving] {
            sys::set_nonblocking(fd).map_err(refused)?;
        }
        probe::catch().map_err(refused)?;
        let (asks, theirs) = UnixStream::pair()?;
        let fds = [&direct, &moving, &OwnedFd::from(theirs)];
        let (link, memory) = introduce(stream, Hello { user_mode_only }, fds)?;
        let memory_bytes = link::size_of_file(&memory).map_err(|_| OpenError::OtherProtocol)?;
        let shared = Arc::new(Shared {
            addresses: Addresses::new(Place::Here),
            link,
            asks: Mutex::new(asks),
            user_mode_only,
            ended: AtomicBool::new(false),
        });
        let faults = Faults { direct, moving: Arc::new(moving), escape: None };
        let service = Service { shared: Arc::clone(&shared), faults: Some(faults), memory, memory_bytes };
        let thread = thread::Builder::new().name("vmctx-guest".to_owned()).spawn(move || service.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// [`Session::is_user_mode_only`](super::Session::is_user_mode_only), of this process's accesses.
    #[must_use]
    pub fn is_user_mode_only(&self) -> bool {
        self.shared.user_mode_only
    }

    /// Whether the session is over, and nothing of it mapped any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }

    /// Loads bytes, and survives it if that cannot be done: as [`Session::read`](super::Session::read) does in a session
    /// of this process's own.
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
        // The last one who was at them.
        self.shared.addresses.give_back();
        result
    }

    /// [`Session::retry`](super::Session::retry): waits until the session has done it. If there is none any more, nothing
    /// is.
    pub fn retry(&self, address: UserAddr) {
        if hook::in_the_way().is_some() {
            return;
        }
        let asks = self.shared.asks.lock();
        if link::send(&asks, &(address.get() as u64).to_le_bytes()).is_ok() {
            let _ = self.shared.link.receive_from(&asks, &mut [0]);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The other side is told when everything is buried, and not before.
        self.shared.link.stop_receiving();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
        // Whoever is at them has this borrowed.
        for range in self.shared.addresses.all() {
            self.shared.addresses.retire(range);
        }
        self.shared.addresses.give_back();
    }
}

/// This process's own descriptors of the userfaultfds. As long as there are any, nobody who waits is handed zeros.
struct Faults {
    direct: OwnedFd,
    moving: Arc<OwnedFd>,
    escape: Option<Escape>,
}

impl Faults {
    fn wake(&self, range: &Range<usize>) {
        for fd in [&self.direct, &*self.moving] {
            // It fails for a range that is none, only.
            let _ = userfault::wake(fd, range);
        }
    }
}

/// A thread that lets a move end whose reader has gone with the session: whoever moves waits until it was read.
struct Escape {
    over: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Escape {
    fn new(shared: &Arc<Shared>, moving: &Arc<OwnedFd>) -> Result<Self, RawErrno> {
        let over = sys::event_fd()?;
        let until = over.try_clone().map_err(|_| RawErrno::MFILE)?;
        let (shared, moving) = (Arc::clone(shared), Arc::clone(moving));
        let run = move || {
            let over = || link::wanted(&until, PollFlags::IN);
            let [hangs_up, dies] = shared.link.end();
            let _ = link::poll([over(), hangs_up, dies]);
            while link::poll([over(), link::wanted(&*moving, PollFlags::IN)]).is_ok_and(|[over, _]| over.is_empty()) {
                link::drain(&moving);
            }
        };
        let thread = thread::Builder::new().name("vmctx-guest".to_owned()).spawn(run);
        Ok(Self { over, thread: Some(thread.map_err(|_| RawErrno::AGAIN)?) })
    }
}

impl Drop for Escape {
    fn drop(&mut self) {
        sys::signal(&self.over);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread that does what the session asks for.
struct Service {
    shared: Arc<Shared>,
    faults: Option<Faults>,
    memory: OwnedFd,
    memory_bytes: u64,
}

impl Service {
    fn run(mut self) {
        let mut request = [0; REQUEST];
        while self.shared.link.receive(&mut request).is_ok() {
            let answer: [u8; ANSWER] = answer_bytes(self.answer(Request::of(&request)));
            if self.shared.link.send(&answer).is_err() {
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
            Request::Move { from, to } => {
                let (from, to) = (whole(from.clone())?, ours(to..to.saturating_add(from.len()))?);
                self.move_to(&from, to.start)
            }
            Request::Bury(range) => {
                // SAFETY: this guest's addresses.
                unsafe { sys::bury(&ours(range)?) }
            }
            Request::Unmap(range) => {
                let range = whole(range)?;
                // Whoever is at them, in the middle of a copy, keeps them from being somebody else's.
                // SAFETY: this guest's addresses.
                unsafe { sys::bury(&range) }?;
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
                let copies = Place::Here.private_copies(&ours(range)?)?;
                return Ok(copies.iter().rev().fold(0, |bits, copied| bits << 1 | u64::from(*copied)));
            }
            Request::CloseFaults => {
                self.faults = None;
                Ok(())
            }
        };
        done.map(|()| 0)
    }

    fn move_to(&mut self, from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
        // Nobody would read it.
        let faults = self.faults.as_mut().ok_or(RawErrno::PERM)?;
        if faults.escape.is_none() {
            faults.escape = Some(Escape::new(&self.shared, &faults.moving)?);
        }
        // Somebody else's, as soon as it has gone to its place.
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
        let (buried, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|range| unsafe { sys::bury(range) }.is_ok());
        if let Some(faults) = self.faults.take() {
            buried.iter().for_each(|range| faults.wake(range));
            if !left.is_empty() {
                // Who waits there waits for ever: better than zeros.
                std::mem::forget(faults);
            }
        }
        self.shared.ended.store(true, Ordering::Release);
        self.shared.link.hang_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, agent::Agent, sys::ProtFlags};
    use vmctx::PageCount;

    fn guest() -> (Guest, Agent) {
        let memory = Memory::new(PageCount::new(8)).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let joining = thread::spawn(|| Guest::join(theirs).unwrap());
        let agent = Agent::meet(ours, &memory).unwrap().agent;
        (joining.join().unwrap(), agent)
    }

    fn reserve(agent: &Agent, pages: usize) -> Range<usize> {
        let bytes = pages * PAGE_SIZE;
        let start = agent.ask_for_address(&Request::Reserve { bytes, at: None }).unwrap();
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
            Request::Bury(range.clone()),
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
                assert_eq!(agent.ask(&request), REFUSED, "{request:?}");
            }
            assert_eq!(agent.ask(&Request::Move { from: ours.clone(), to: range.start }), REFUSED);
            assert_eq!(agent.ask(&Request::Move { from: range.clone(), to: ours.start }), REFUSED);
        }
        assert_eq!(agent.ask(&Request::Zap(everywhere)), REFUSED);
        assert!(page.iter().all(|byte| *byte == 7));
        // A part of what was reserved goes nowhere by itself.
        let part = ours.start..ours.start + PAGE_SIZE;
        assert_eq!(agent.ask(&Request::Unmap(part.clone())), REFUSED);
        let target = reserve(&agent, 2);
        assert_eq!(agent.ask(&Request::Move { from: part, to: target.start }), REFUSED);
        // What is no range at all, and what is behind the memory's end.
        assert_eq!(agent.ask(&Request::Zap(ours.start + 1..ours.end + 1)), WRONG);
        assert_eq!(agent.ask(&replace(&ours, 1 << 60)), WRONG);
        assert_eq!(agent.ask(&replace(&ours, u64::MAX - PAGE_SIZE as u64 + 1)), WRONG);
        // And it goes on.
        assert_eq!(agent.ask(&replace(&ours, 0)), Ok(0));
        assert_eq!(guest.read(UserAddr::new(ours.start), &mut [1]), Ok(()));
    }

    #[test]
    fn what_was_given_back_is_not_touched_either() {
        let (_guest, agent) = guest();
        let (unmapped, moved, target) = (reserve(&agent, 1), reserve(&agent, 1), reserve(&agent, 1));
        assert_eq!(agent.ask(&Request::Unmap(unmapped.clone())), Ok(0));
        assert_eq!(agent.ask(&replace(&moved, 0)), Ok(0));
        assert_eq!(agent.ask(&Request::Move { from: moved.clone(), to: target.start }), Ok(0));
        for range in [unmapped, moved] {
            for request in everything_at(&range) {
                assert_eq!(agent.ask(&request), REFUSED, "{request:?}");
            }
        }
        // Once nobody reads it any more, nothing is moved that would have to be read.
        assert_eq!(agent.ask(&Request::CloseFaults), Ok(0));
        let other = reserve(&agent, 1);
        assert_eq!(agent.ask(&Request::Move { from: other, to: target.start }), REFUSED);
        assert_eq!(agent.ask(&Request::Zap(target)), Ok(0));
    }

    #[test]
    fn nothing_is_mapped_any_more_when_the_session_has_hung_up() {
        let (guest, agent) = guest();
        let ours = reserve(&agent, 2);
        let at = UserAddr::new(ours.start);
        assert_eq!((agent.ask(&replace(&ours, 0)), guest.read(at, &mut [1])), (Ok(0), Ok(())));
        agent.hang_up();
        assert_eq!(agent.ask(&Request::Zap(ours)), Err(RawErrno::SRCH));
        while !guest.has_ended() {
            thread::yield_now();
        }
        assert_eq!(guest.read(at, &mut [1]), Err(Trap::Sigsegv(at)));
    }
}
