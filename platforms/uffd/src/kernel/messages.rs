//! All that a userfaultfd tells of the process that has opened it: faults, and what the process does to its addresses.
//!
//! The layouts are those of `struct uffd_msg` in `include/uapi/linux/userfaultfd.h`.

use std::{
    mem::{MaybeUninit, offset_of},
    ops::Range,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    slice,
};

use rustix::{
    event::{PollFd, PollFlags},
    io,
};

use crate::error::RawErrno;

use super::ioctl::{EVENT_PAGEFAULT, FAULT_WP, FAULT_WRITE};

/// `UFFD_EVENT_FORK`
const EVENT_FORK: u8 = 0x13;
/// `UFFD_EVENT_REMAP`
const EVENT_REMAP: u8 = 0x14;
/// `UFFD_EVENT_REMOVE`
const EVENT_REMOVE: u8 = 0x15;
/// `UFFD_EVENT_UNMAP`
const EVENT_UNMAP: u8 = 0x16;
/// `UFFD_PAGEFAULT_FLAG_MINOR`
const FAULT_MINOR: u64 = 1 << 2;

/// `SO_PEERPIDFD` of `include/uapi/asm-generic/socket.h`, since Linux 6.5.
const SO_PEERPIDFD: libc::c_int = 77;

/// How many messages are read in one go.
pub(crate) const MOST: usize = 16;

/// `struct uffd_msg`. What `args` are, the event says.
#[repr(C)]
#[derive(Clone, Copy)]
struct UffdMsg {
    event: u8,
    reserved1: u8,
    reserved2: u16,
    reserved3: u32,
    args: [u64; 3],
}

const _: () = assert!(size_of::<UffdMsg>() == 32 && offset_of!(UffdMsg, args) == 8);

/// Why a thread waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nothing is mapped there.
    Missing,
    /// A store met a page that is write-protected.
    Protected,
    /// The memory object has a page, which is not mapped.
    Minor,
}

/// What a userfaultfd has told.
#[derive(Debug)]
pub(crate) enum Message {
    /// A thread waits for a page.
    Fault { address: usize, write: bool, why: Why },
    /// The process gives the memory of these addresses back (`MADV_DONTNEED`, `MADV_REMOVE`), as soon as this was read.
    Removed(Range<usize>),
    /// Nothing is mapped there any more.
    Unmapped(Range<usize>),
    /// What was mapped there has moved.
    Moved { from: Range<usize>, to: usize },
    /// A child of the process has a copy of the memory, with a userfaultfd of its own.
    Forked(OwnedFd),
    /// What this crate does not know.
    Unknown,
}

impl Message {
    fn of(raw: &UffdMsg) -> Self {
        let address = |arg: u64| usize::try_from(arg).unwrap_or(usize::MAX);
        let [first, second, third] = raw.args;
        match raw.event {
            EVENT_PAGEFAULT => {
                let why = match first {
                    flags if flags & FAULT_WP != 0 => Why::Protected,
                    flags if flags & FAULT_MINOR != 0 => Why::Minor,
                    _ => Why::Missing,
                };
                Self::Fault { address: address(second), write: first & FAULT_WRITE != 0, why }
            }
            EVENT_REMOVE => Self::Removed(address(first)..address(second)),
            EVENT_UNMAP => Self::Unmapped(address(first)..address(second)),
            EVENT_REMAP => {
                let from = address(first);
                Self::Moved { from: from..from.saturating_add(address(third)), to: address(second) }
            }
            EVENT_FORK => match RawFd::try_from(first & u64::from(u32::MAX)) {
                // SAFETY: whoever reads the message is given this descriptor, and nobody else has it.
                Ok(fd) => Self::Forked(unsafe { OwnedFd::from_raw_fd(fd) }),
                Err(_) => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// Takes the messages that are there, up to so many, without waiting: EAGAIN if there is none. How many there were.
#[inline]
pub(crate) fn read(fd: &OwnedFd, wanted: usize, mut each: impl FnMut(Message)) -> Result<usize, RawErrno> {
    let mut raw = [const { MaybeUninit::<UffdMsg>::uninit() }; MOST];
    let room = wanted.min(MOST) * size_of::<UffdMsg>();
    // SAFETY: the buffer, or a part of it; a byte of it may be uninitialised.
    let buffer = unsafe { slice::from_raw_parts_mut(raw.as_mut_ptr().cast::<MaybeUninit<u8>>(), room) };
    let (filled, _) = io::read(fd, buffer)?;
    let count = filled.len() / size_of::<UffdMsg>();
    for message in raw.iter().take(count) {
        // SAFETY: the kernel has filled so many of them, and any bytes are a message.
        each(Message::of(unsafe { message.assume_init_ref() }));
    }
    Ok(count)
}

/// What tells when a process has ended.
pub(crate) enum Life {
    /// A pidfd: it is readable then. When the socket that it was asked for is closed, the process may have closed it, or run
    /// another program.
    Process(OwnedFd, UnixStream),
    /// A socket, where the kernel has no pidfd of who is at the other end: whoever has it is taken for gone when that is
    /// closed.
    Socket(UnixStream),
}

impl Life {
    /// Of the process at the other end of a socket.
    ///
    /// # Errors
    /// If there is no descriptor to be had for it, or no memory: the socket is no replacement then, because a process that
    /// goes on may have closed it.
    pub(crate) fn of(socket: UnixStream) -> Result<Self, RawErrno> {
        let (mut fd, mut len): (RawFd, libc::socklen_t) = (-1, 4);
        // SAFETY: the kernel writes a number of that size.
        let got = unsafe {
            libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PEERPIDFD, (&raw mut fd).cast(), &raw mut len)
        };
        if got != 0 {
            let errno = std::io::Error::last_os_error().raw_os_error().map(RawErrno::from_raw_os_error);
            return match errno {
                Some(errno @ (RawErrno::MFILE | RawErrno::NFILE | RawErrno::NOMEM)) => Err(errno),
                _ => Ok(Self::Socket(socket)),
            };
        }
        if fd < 0 {
            return Ok(Self::Socket(socket));
        }
        // SAFETY: the kernel has just given it, to nobody else.
        Ok(Self::Process(unsafe { OwnedFd::from_raw_fd(fd) }, socket))
    }

    fn poll_fd(&self) -> PollFd<'_> {
        match self {
            Self::Process(process, _) => PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN),
            Self::Socket(socket) => wait_for_end(socket),
        }
    }

    fn socket(&self) -> &UnixStream {
        match self {
            Self::Process(_, socket) | Self::Socket(socket) => socket,
        }
    }
}

/// What is sent there is nothing: only the end counts, which need not be asked for.
fn wait_for_end(socket: &UnixStream) -> PollFd<'_> {
    PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::empty())
}

/// What a thread that has slept in [`poll`] is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Polled {
    /// The readers are told to leave.
    pub(crate) leave: bool,
    /// The process has ended.
    pub(crate) gone: bool,
    /// The socket is closed.
    pub(crate) hung_up: bool,
}

/// Sleeps until there are messages, or something else to be done. With `listens` a socket that is closed is something.
pub(crate) fn poll(uffd: &OwnedFd, leave: &OwnedFd, life: Option<&Life>, listens: bool) -> Result<Polled, RawErrno> {
    fn wait_for(fd: &OwnedFd) -> PollFd<'_> {
        PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)
    }
    let is_known = life.is_some();
    let ended = life.map_or_else(|| wait_for(leave), Life::poll_fd);
    let socket = life.map_or_else(|| wait_for(leave), |life| wait_for_end(life.socket()));
    let mut fds = [wait_for(uffd), wait_for(leave), ended, socket];
    let count = 2 + usize::from(is_known) + usize::from(is_known && listens);
    rustix::event::poll(fds.get_mut(..count).unwrap_or_default(), None)?;
    let [_, leave, ended, socket] = fds.map(|fd| !fd.revents().is_empty());
    Ok(Polled { leave, gone: is_known && ended, hung_up: is_known && listens && socket })
}
