//! What a session and a guest say to each other: greetings, requests and answers, as bytes.
//!
//! Both sides greet each other, and hand descriptors over. From then on the session makes one request at a time, and the
//! guest carries it out and answers. All requests are of one size, and so are all answers. On a socket of its own the
//! guest sends the addresses at which it had a SIGBUS delivered.

use std::{
    ops::Range,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use crate::{
    error::{OpenError, RawErrno},
    kernel::sys::{PAGE_SIZE, ProtFlags},
};

use super::socket::{self, GREETING, Greeting, PeerSocket};

const MAGIC: [u8; 8] = *b"vmctx-uf";
const VERSION: u32 = 4;
/// In a guest's greeting: its userfaultfds are for faults of user mode only.
const USER_MODE_ONLY: u32 = 1;

/// Bytes of a request.
pub(crate) const REQUEST: usize = 32;
/// Bytes of an answer.
pub(crate) const ANSWER: usize = 16;
/// Bytes of an address, which the guest sends where a SIGBUS was delivered.
pub(crate) const ADDRESS: usize = 8;

/// The most pages of [`Request::PrivateCopies`]: an answer has a bit for each.
pub(crate) const MOST_COPIES: usize = 64;

/// The kernel's largest error number.
const MAX_ERRNO: u32 = 4095;

/// What a process says of itself in its greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) user_mode_only: bool,
}

impl Hello {
    pub(crate) fn bytes(self) -> [u8; GREETING] {
        let flags = if self.user_mode_only { USER_MODE_ONLY } else { 0 };
        let mut bytes = [0; GREETING];
        let parts = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain(flags.to_le_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    pub(crate) fn of(bytes: &[u8; GREETING]) -> Result<Self, OpenError> {
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

/// The next bytes of a message. Its type says that it is long enough.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk() {
        Some((taken, behind)) => {
            *rest = behind;
            *taken
        }
        None => [0; N],
    }
}

/// Why there is no session, if the socket fails during the greetings.
pub(crate) fn refused(errno: RawErrno) -> OpenError {
    match errno {
        // The other side hung up for a reason that it tells its own caller.
        RawErrno::PIPE | RawErrno::CONNRESET => OpenError::HungUp,
        _ => OpenError::refused(errno),
    }
}

/// Sends this side's greeting.
pub(crate) fn greet(stream: &UnixStream, hello: Hello, fds: &[&OwnedFd]) -> Result<(), OpenError> {
    let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    socket::greet(stream, &hello.bytes(), &fds).map_err(refused)
}

/// Waits for the other side's greeting, which brings so many descriptors.
pub(crate) fn greeted<const FDS: usize>(stream: &UnixStream) -> Result<(Greeting, Hello, [OwnedFd; FDS]), OpenError> {
    let mut greeting = socket::greeted(stream).map_err(refused)?.ok_or(OpenError::HungUp)?;
    let hello = Hello::of(&greeting.bytes)?;
    let fds = std::mem::take(&mut greeting.fds);
    Ok((greeting, hello, fds.try_into().map_err(|_| OpenError::OtherProtocol)?))
}

/// Has a guest join the session at the other end of a socket. The guest brings its two userfaultfds, the socket on which it
/// will send addresses, and one more userfaultfd, with which nothing is ever registered; it is given the memory object.
pub(crate) fn join(stream: UnixStream, hello: Hello, fds: [&OwnedFd; 4]) -> Result<(PeerSocket, OwnedFd), OpenError> {
    socket::prepare(&stream).map_err(refused)?;
    greet(&stream, hello, &fds)?;
    let (greeting, _, [memory]) = greeted(&stream)?;
    Ok((PeerSocket::new(stream, greeting).map_err(refused)?, memory))
}

/// A request to a guest, which carries it out with the function of the same name in [`sys`](crate::kernel::sys). Ranges are
/// whole pages, and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
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
    ReplaceByNothing {
        range: Range<usize>,
        prot: ProtFlags,
    },
    /// [`move_to`](crate::kernel::sys::move_to)
    Move {
        from: Range<usize>,
        to: usize,
    },
    MakeInaccessible(Range<usize>),
    /// The range is all of what was reserved at once.
    Unmap(Range<usize>),
    Protect {
        range: Range<usize>,
        prot: ProtFlags,
    },
    Zap(Range<usize>),
    PrivateCopies(Range<usize>),
    /// Close the userfaultfds: the session is stopped, and reads no faults any more.
    CloseUserfaultfds,
}

/// In the flags of [`Request::Replace`], beside `PROT_*`: the mapping is shared.
const SHARED: u32 = 1 << 16;
/// In the flags of [`Request::Reserve`]: there is an address.
const AT: u32 = 1;

impl Request {
    fn number(&self) -> u32 {
        match self {
            Self::Reserve { .. } => 1,
            Self::Replace { .. } => 2,
            Self::Move { .. } => 3,
            Self::MakeInaccessible(_) => 4,
            Self::Unmap(_) => 5,
            Self::Protect { .. } => 6,
            Self::Zap(_) => 7,
            Self::PrivateCopies(_) => 8,
            Self::CloseUserfaultfds => 9,
            Self::ReplaceByNothing { .. } => 10,
        }
    }

    pub(crate) fn bytes(&self) -> [u8; REQUEST] {
        let (flags, start, len, other) = match self {
            Self::Reserve { bytes, at } => (if at.is_some() { AT } else { 0 }, 0, *bytes, at.unwrap_or(0) as u64),
            Self::Replace { range, offset, shared, prot } => {
                (prot.bits() | if *shared { SHARED } else { 0 }, range.start, range.len(), *offset)
            }
            Self::Move { from, to } => (0, from.start, from.len(), *to as u64),
            Self::MakeInaccessible(range) | Self::Unmap(range) | Self::Zap(range) | Self::PrivateCopies(range) => {
                (0, range.start, range.len(), 0)
            }
            Self::ReplaceByNothing { range, prot } | Self::Protect { range, prot } => {
                (prot.bits(), range.start, range.len(), 0)
            }
            Self::CloseUserfaultfds => (0, 0, 0, 0),
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

    /// The request that these bytes are, if they are one and its ranges can be ranges of addresses.
    pub(crate) fn of(bytes: &[u8; REQUEST]) -> Option<Self> {
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
            4 => Self::MakeInaccessible(range()?),
            5 => Self::Unmap(range()?),
            6 => Self::Protect { range: range()?, prot: prot()? },
            7 => Self::Zap(range()?),
            8 => Self::PrivateCopies(range().filter(|range| range.len() <= MOST_COPIES * PAGE_SIZE)?),
            9 => Self::CloseUserfaultfds,
            10 => Self::ReplaceByNothing { range: range()?, prot: prot()? },
            _ => return None,
        })
    }
}

/// The answer to a request: an address, or bits.
pub(crate) type Answer = Result<u64, RawErrno>;

pub(crate) fn answer_bytes(answer: Answer) -> [u8; ANSWER] {
    let (errno, value) = match answer {
        Ok(value) => (0, value),
        Err(errno) => (u64::try_from(errno.raw_os_error()).unwrap_or(0), 0),
    };
    let mut bytes = [0; ANSWER];
    let words = [errno, value].into_iter().flat_map(u64::to_le_bytes);
    bytes.iter_mut().zip(words).for_each(|(to, from)| *to = from);
    bytes
}

pub(crate) fn answer_of(bytes: &[u8; ANSWER]) -> Option<Answer> {
    let mut rest = bytes.as_slice();
    let (errno, value) = (u64::from_le_bytes(take(&mut rest)), u64::from_le_bytes(take(&mut rest)));
    match u32::try_from(errno).ok().filter(|errno| *errno <= MAX_ERRNO)? {
        0 => Some(Ok(value)),
        errno => Some(Err(RawErrno::from_raw_os_error(errno.try_into().ok()?))),
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
            Request::ReplaceByNothing { range: range.clone(), prot },
            Request::Move { from: range.clone(), to: 9 * PAGE_SIZE },
            Request::MakeInaccessible(range.clone()),
            Request::Unmap(range.clone()),
            Request::Protect { range: range.clone(), prot },
            Request::Zap(range.clone()),
            Request::PrivateCopies(range.clone()),
            Request::CloseUserfaultfds,
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
            Request::MakeInaccessible(0..0),
            Request::Zap(1..PAGE_SIZE + 1),
            Request::Zap(0..PAGE_SIZE - 1),
            Request::Move { from: 0..PAGE_SIZE, to: 12 },
            Request::Replace { range: 0..PAGE_SIZE, offset: 12, shared: true, prot: ProtFlags::empty() },
            Request::Protect { range: 0..PAGE_SIZE, prot: ProtFlags::from_bits_retain(8) },
            Request::PrivateCopies(0..(MOST_COPIES + 1) * PAGE_SIZE),
        ] {
            assert_eq!(Request::of(&request.bytes()), None, "{request:?}");
        }
        // Over the end of all addresses.
        let mut bytes = Request::MakeInaccessible(last - PAGE_SIZE..last).bytes();
        assert!(Request::of(&bytes).is_some());
        bytes[16..24].copy_from_slice(&(4 * PAGE_SIZE as u64).to_le_bytes());
        assert_eq!(Request::of(&bytes), None);
        bytes[0] = 99;
        assert_eq!(Request::of(&bytes), None, "no such request");
        assert_eq!(answer_of(&[0xff; ANSWER]), None);
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
