//! What a session asks of the process whose addresses it serves: the protocol, and the session's end of it.
//!
//! Both sides greet each other, and hand descriptors over. From then on the session asks, one thing at a time, and the
//! other side's thread does it and answers. All messages are of one size. The other way round, on a socket of its own,
//! the guest says where a SIGBUS was delivered.

use std::{
    ops::Range,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use super::{
    KernelError, Memory, OpenError,
    link::{self, GREETING, Greeting, Link},
    sys::{PAGE_SIZE, ProtFlags, RawErrno},
    userfault::{self, Userfault},
};

const MAGIC: [u8; 8] = *b"vmctx-uf";
const VERSION: u32 = 1;
/// In a guest's greeting: its userfaultfds are for faults of user mode only.
const USER_MODE_ONLY: u32 = 1;

/// Bytes of a request.
pub(super) const REQUEST: usize = 32;
/// Bytes of an answer.
pub(super) const ANSWER: usize = 16;
/// Bytes of what a guest says: an address.
pub(super) const ADDRESS: usize = 8;

/// How many pages one request may look at: as many as there are bits in an answer.
pub(super) const MOST_LOOKED_AT: usize = 64;

/// No error number of the kernel's is larger.
const MAX_ERRNO: u32 = 4095;

/// Who a process says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) user_mode_only: bool,
}

impl Hello {
    pub(super) fn bytes(self) -> [u8; GREETING] {
        let flags = if self.user_mode_only { USER_MODE_ONLY } else { 0 };
        let mut bytes = [0; GREETING];
        let parts = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain(flags.to_le_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    pub(super) fn of(bytes: &[u8; GREETING]) -> Result<Self, OpenError> {
        let mut rest = bytes.as_slice();
        if take::<8>(&mut rest) != MAGIC {
            return Err(OpenError::OtherProtocol);
        }
        let theirs = u32::from_le_bytes(take(&mut rest));
        if theirs != VERSION {
            return Err(OpenError::OtherVersion { ours: VERSION, theirs });
        }
        Ok(Self { user_mode_only: u32::from_le_bytes(take(&mut rest)) & USER_MODE_ONLY != 0 })
    }
}

/// The next bytes of a message, which is long enough by its type.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk() {
        Some((taken, behind)) => {
            *rest = behind;
            *taken
        }
        None => [0; N],
    }
}

fn refused(errno: RawErrno) -> OpenError {
    match errno {
        // It has its reasons, and says them to its own caller.
        RawErrno::PIPE | RawErrno::CONNRESET => OpenError::HungUp,
        _ => OpenError::Refused(KernelError::from(errno)),
    }
}

fn greet(stream: &UnixStream, hello: Hello, fds: &[&OwnedFd]) -> Result<(), OpenError> {
    let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    link::greet(stream, &hello.bytes(), &fds).map_err(refused)
}

/// The other side's greeting, with so many descriptors.
fn greeted<const FDS: usize>(stream: &UnixStream) -> Result<(Greeting, Hello, [OwnedFd; FDS]), OpenError> {
    let mut greeting = link::greeted(stream).map_err(refused)?.ok_or(OpenError::HungUp)?;
    let hello = Hello::of(&greeting.bytes)?;
    let fds = std::mem::take(&mut greeting.fds);
    Ok((greeting, hello, fds.try_into().map_err(|_| OpenError::OtherProtocol)?))
}

/// What a guest says first: that it is one, and here are its userfaultfds, and where it will say something by itself.
/// Gives back the session's answer: its memory.
pub(super) fn introduce(stream: UnixStream, hello: Hello, fds: [&OwnedFd; 3]) -> Result<(Link, OwnedFd), OpenError> {
    link::prepare(&stream).map_err(refused)?;
    greet(&stream, hello, &fds)?;
    let (greeting, _, [memory]) = greeted(&stream)?;
    Ok((Link::new(stream, greeting).map_err(refused)?, memory))
}

/// What the guest is to do. Ranges are whole pages, and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Reserve {
        bytes: usize,
        at: Option<usize>,
    },
    Replace {
        range: Range<usize>,
        offset: u64,
        shared: bool,
        prot: ProtFlags,
    },
    Move {
        from: Range<usize>,
        to: usize,
    },
    Bury(Range<usize>),
    /// All of what was reserved at once.
    Unmap(Range<usize>),
    Protect {
        range: Range<usize>,
        prot: ProtFlags,
    },
    Zap(Range<usize>),
    PrivateCopies(Range<usize>),
    /// The session is stopped, and reads no faults any more.
    CloseFaults,
}

const SHARED: u32 = 1 << 16;
const AT: u32 = 1;

impl Request {
    fn number(&self) -> u32 {
        match self {
            Self::Reserve { .. } => 1,
            Self::Replace { .. } => 2,
            Self::Move { .. } => 3,
            Self::Bury(_) => 4,
            Self::Unmap(_) => 5,
            Self::Protect { .. } => 6,
            Self::Zap(_) => 7,
            Self::PrivateCopies(_) => 8,
            Self::CloseFaults => 9,
        }
    }

    pub(super) fn bytes(&self) -> [u8; REQUEST] {
        let (flags, start, len, other) = match self {
            Self::Reserve { bytes, at } => (if at.is_some() { AT } else { 0 }, 0, *bytes, at.unwrap_or(0) as u64),
            Self::Replace { range, offset, shared, prot } => {
                (prot.bits() | if *shared { SHARED } else { 0 }, range.start, range.len(), *offset)
            }
            Self::Move { from, to } => (0, from.start, from.len(), *to as u64),
            Self::Bury(range) | Self::Unmap(range) | Self::Zap(range) | Self::PrivateCopies(range) => {
                (0, range.start, range.len(), 0)
            }
            Self::Protect { range, prot } => (prot.bits(), range.start, range.len(), 0),
            Self::CloseFaults => (0, 0, 0, 0),
        };
        let words = [start as u64, len as u64, other];
        let head = [self.number(), flags].into_iter().flat_map(u32::to_le_bytes);
        let mut bytes = [0; REQUEST];
        bytes
            .iter_mut()
            .zip(head.chain(words.into_iter().flat_map(u64::to_le_bytes)))
            .for_each(|(to, from)| *to = from);
        bytes
    }

    /// What these bytes ask for, if that can be done to addresses at all.
    pub(super) fn of(bytes: &[u8; REQUEST]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let (number, flags) = (u32::from_le_bytes(take(&mut rest)), u32::from_le_bytes(take(&mut rest)));
        let mut word = || u64::from_le_bytes(take(&mut rest));
        let (start, len, other) = (word(), word(), word());
        let page = |word: u64| usize::try_from(word).ok().filter(|word| word % PAGE_SIZE == 0);
        let range = || {
            let (start, len) = (page(start)?, page(len).filter(|len| *len != 0)?);
            Some(start..start.checked_add(len)?)
        };
        let prot = || {
            let prot = ProtFlags::from_bits_retain(flags & !SHARED);
            (ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC).contains(prot).then_some(prot)
        };
        Some(match number {
            1 => {
                let at = if flags & AT != 0 { Some(page(other)?) } else { None };
                Self::Reserve { bytes: page(len).filter(|len| *len != 0)?, at }
            }
            2 => {
                let offset = Some(other).filter(|offset| offset % PAGE_SIZE as u64 == 0)?;
                Self::Replace { range: range()?, offset, shared: flags & SHARED != 0, prot: prot()? }
            }
            3 => Self::Move { from: range()?, to: page(other)? },
            4 => Self::Bury(range()?),
            5 => Self::Unmap(range()?),
            6 => Self::Protect { range: range()?, prot: prot()? },
            7 => Self::Zap(range()?),
            8 => Self::PrivateCopies(range().filter(|range| range.len() <= MOST_LOOKED_AT * PAGE_SIZE)?),
            9 => Self::CloseFaults,
            _ => return None,
        })
    }
}

/// What came of it: an address, or bits.
pub(super) type Answer = Result<u64, RawErrno>;

pub(super) fn answer_bytes(answer: Answer) -> [u8; ANSWER] {
    let (errno, value) = match answer {
        Ok(value) => (0, value),
        Err(errno) => (u64::try_from(errno.raw_os_error()).unwrap_or(0), 0),
    };
    let mut bytes = [0; ANSWER];
    let words = [errno, value].into_iter().flat_map(u64::to_le_bytes);
    bytes.iter_mut().zip(words).for_each(|(to, from)| *to = from);
    bytes
}

fn answer_of(bytes: &[u8; ANSWER]) -> Option<Answer> {
    let mut rest = bytes.as_slice();
    let (errno, value) = (u64::from_le_bytes(take(&mut rest)), u64::from_le_bytes(take(&mut rest)));
    match u32::try_from(errno).ok().filter(|errno| *errno <= MAX_ERRNO)? {
        0 => Some(Ok(value)),
        errno => Some(Err(RawErrno::from_raw_os_error(errno.try_into().ok()?))),
    }
}

/// The session's end.
pub(super) struct Agent {
    link: Link,
    /// Held from a request to its answer. The guest needs nothing of this process to answer, but that moves are read.
    turn: Mutex<()>,
    gone: AtomicBool,
}

/// What a guest has brought.
pub(super) struct Guests {
    pub(super) agent: Agent,
    pub(super) direct: Userfault,
    pub(super) moving: Userfault,
    /// What it says by itself.
    pub(super) asks: UnixStream,
}

impl Agent {
    /// Agrees with the guest at the other end of a socket on a session.
    pub(super) fn meet(stream: UnixStream, memory: &Memory) -> Result<Guests, OpenError> {
        let hello = Hello { user_mode_only: false };
        link::prepare(&stream).map_err(refused)?;
        let (greeting, Hello { user_mode_only }, [direct, moving, asks]) = greeted(&stream).inspect_err(|error| {
            if matches!(error, OpenError::OtherVersion { .. }) {
                // So that both sides can say it.
                let _ = greet(&stream, hello, &[]);
            }
        })?;
        if ![&direct, &moving].into_iter().all(userfault::is_one) {
            return Err(OpenError::OtherProtocol);
        }
        greet(&stream, hello, &[memory.fd()])?;
        let link = Link::new(stream, greeting).map_err(refused)?;
        Ok(Guests {
            agent: Self { link, turn: Mutex::new(()), gone: AtomicBool::new(false) },
            direct: Userfault::adopt(direct, user_mode_only).map_err(refused)?,
            moving: Userfault::adopt(moving, user_mode_only).map_err(refused)?,
            asks: UnixStream::from(asks),
        })
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Has the guest do something. Once anything has gone wrong with the socket, the process has gone.
    pub(super) fn ask(&self, request: &Request) -> Answer {
        let turn = self.turn.lock();
        let mut bytes = [0; ANSWER];
        let asked = if self.is_gone() { Err(RawErrno::SRCH) } else { self.link.send(&request.bytes()) };
        let heard = asked.and_then(|()| self.link.receive(&mut bytes)).ok().and_then(|()| answer_of(&bytes));
        drop(turn);
        heard.unwrap_or_else(|| {
            self.hang_up();
            Err(RawErrno::SRCH)
        })
    }

    pub(super) fn ask_for_address(&self, request: &Request) -> Result<usize, RawErrno> {
        self.ask(request).and_then(|address| usize::try_from(address).map_err(|_| RawErrno::IO))
    }

    /// Nothing is asked any more. The guest buries what it still has of the session.
    pub(super) fn hang_up(&self) {
        self.gone.store(true, Ordering::Release);
        self.link.hang_up();
    }

    /// Waits for what the guest says by itself: where a SIGBUS was delivered. `None` once it has gone.
    pub(super) fn hear(&self, asks: &UnixStream) -> Option<usize> {
        let mut bytes = [0; ADDRESS];
        self.link.receive_from(asks, &mut bytes).ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_what_is_heard() {
        let range = PAGE_SIZE..4 * PAGE_SIZE;
        let prot = ProtFlags::READ | ProtFlags::EXEC;
        for request in [
            Request::Reserve { bytes: PAGE_SIZE, at: None },
            Request::Reserve { bytes: PAGE_SIZE, at: Some(7 * PAGE_SIZE) },
            Request::Replace { range: range.clone(), offset: 1 << 47, shared: true, prot },
            Request::Replace { range: range.clone(), offset: 0, shared: false, prot: ProtFlags::empty() },
            Request::Move { from: range.clone(), to: 9 * PAGE_SIZE },
            Request::Bury(range.clone()),
            Request::Unmap(range.clone()),
            Request::Protect { range: range.clone(), prot },
            Request::Zap(range.clone()),
            Request::PrivateCopies(range.clone()),
            Request::CloseFaults,
        ] {
            assert_eq!(Request::of(&request.bytes()), Some(request));
        }
        for answer in [Ok(0), Ok(u64::MAX), Err(RawErrno::NOMEM)] {
            assert_eq!(answer_of(&answer_bytes(answer)), Some(answer));
        }
        for hello in [Hello { user_mode_only: true }, Hello { user_mode_only: false }] {
            assert_eq!(Hello::of(&hello.bytes()), Ok(hello));
        }
    }

    #[test]
    fn what_cannot_be_done_to_any_addresses_is_not_heard() {
        let last = usize::MAX - PAGE_SIZE + 1;
        for request in [
            Request::Reserve { bytes: 0, at: None },
            Request::Reserve { bytes: 100, at: None },
            Request::Reserve { bytes: PAGE_SIZE, at: Some(1) },
            Request::Bury(0..0),
            Request::Zap(1..PAGE_SIZE + 1),
            Request::Zap(0..PAGE_SIZE - 1),
            Request::Move { from: 0..PAGE_SIZE, to: 12 },
            Request::Replace { range: 0..PAGE_SIZE, offset: 12, shared: true, prot: ProtFlags::empty() },
            Request::Protect { range: 0..PAGE_SIZE, prot: ProtFlags::from_bits_retain(8) },
            Request::PrivateCopies(0..(MOST_LOOKED_AT + 1) * PAGE_SIZE),
        ] {
            assert_eq!(Request::of(&request.bytes()), None, "{request:?}");
        }
        // Over the end of all addresses.
        let mut bytes = Request::Bury(last - PAGE_SIZE..last).bytes();
        assert!(Request::of(&bytes).is_some());
        bytes[16..24].copy_from_slice(&(4 * PAGE_SIZE as u64).to_le_bytes());
        assert_eq!(Request::of(&bytes), None);
        bytes[0] = 99;
        assert_eq!(Request::of(&bytes), None, "no such request");
        assert_eq!(answer_of(&[0xff; ANSWER]), None);
    }

    #[test]
    fn a_guest_that_brings_something_else_than_userfaultfds_is_none() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let other = OwnedFd::from(UnixStream::pair().unwrap().0);
        let joining = std::thread::spawn(move || {
            let hello = Hello { user_mode_only: false };
            introduce(theirs, hello, [&other, &other, &other]).map(drop)
        });
        let memory = Memory::new(vmctx::PageCount::new(1)).unwrap();
        assert_eq!(Agent::meet(ours, &memory).map(drop), Err(OpenError::OtherProtocol));
        assert_eq!(joining.join().unwrap(), Err(OpenError::HungUp), "and is given no memory");
    }

    #[test]
    fn another_protocol_and_another_version_are_said_to_be() {
        let mut bytes = Hello { user_mode_only: false }.bytes();
        bytes[8] = 77;
        assert_eq!(Hello::of(&bytes), Err(OpenError::OtherVersion { ours: VERSION, theirs: 77 }));
        bytes[0] = b'?';
        assert_eq!(Hello::of(&bytes), Err(OpenError::OtherProtocol));
    }
}
