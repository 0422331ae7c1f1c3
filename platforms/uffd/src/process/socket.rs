//! A Unix socket with another process at its other end: bytes, descriptors, and whether that process is still there.
//!
//! The socket alone does not say that: a child of fork may hold a copy of the other end after the process has gone. So
//! each side has the other's pidfd as well, which the kernel attaches to the greeting.

use std::{
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    net::Shutdown,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    event::{self, PollFd, PollFlags, Timespec},
    fs::{self, FileType},
    io::retry_on_intr,
    net::{self, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags},
};

use crate::error::{RawErrno, raw};

/// `SO_PASSPIDFD` and `SCM_PIDFD`, which `libc` lacks: Linux 6.5.
const PASS_PIDFD: libc::c_int = 76;
const PIDFD: libc::c_int = 4;

/// Bytes of a greeting.
pub(crate) const GREETING: usize = 16;
/// The most descriptors that one is sent with.
const MOST_FDS: usize = 4;

/// The first message of the other process.
pub(crate) struct Greeting {
    pub(crate) bytes: [u8; GREETING],
    pub(crate) fds: Vec<OwnedFd>,
    peer: Option<OwnedFd>,
}

/// Makes a socket ready for greetings, before the first is sent.
pub(crate) fn prepare(stream: &UnixStream) -> Result<(), RawErrno> {
    let plain = || {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)
    };
    plain().map_err(|error| raw(&error))?;
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: a number of ours, of that size.
    let set =
        unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, PASS_PIDFD, (&raw const on).cast(), size) };
    if set == 0 { Ok(()) } else { Err(last()) }
}

fn last() -> RawErrno {
    raw(&io::Error::last_os_error())
}

/// Sends a greeting, and descriptors with it.
pub(crate) fn greet(stream: &UnixStream, bytes: &[u8; GREETING], fds: &[BorrowedFd<'_>]) -> Result<(), RawErrno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(RawErrno::INVAL);
    }
    let part = [IoSlice::new(bytes)];
    match retry_on_intr(|| net::sendmsg(stream, &part, &mut control, SendFlags::NOSIGNAL))? {
        GREETING => Ok(()),
        _ => Err(RawErrno::PIPE),
    }
}

/// Waits for the other side's greeting. `None` if it hung up instead.
pub(crate) fn greeted(stream: &UnixStream) -> Result<Option<Greeting>, RawErrno> {
    let mut greeting = Greeting { bytes: [0; GREETING], fds: Vec::new(), peer: None };
    let mut rest = greeting.bytes.as_mut_slice();
    while !rest.is_empty() {
        let mut control = [0_u64; 32];
        let mut part = libc::iovec { iov_base: rest.as_mut_ptr().cast(), iov_len: rest.len() };
        // SAFETY: an all-zero `msghdr` is one.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        // SAFETY: the message and what it points to are ours, and live until this returns.
        let got = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        let got = match (usize::try_from(got), last()) {
            (Ok(0), _) | (Err(_), RawErrno::CONNRESET) => return Ok(None),
            (Ok(got), _) => got,
            (Err(_), RawErrno::INTR) => continue,
            (Err(_), errno) => return Err(errno),
        };
        // SAFETY: the kernel has just filled it in.
        unsafe { take_descriptors(&message, &mut greeting.fds, &mut greeting.peer) };
        if message.msg_flags & libc::MSG_CTRUNC != 0 {
            return Err(RawErrno::MFILE);
        }
        rest = rest.get_mut(got..).unwrap_or_default();
    }
    Ok(Some(greeting))
}

/// Takes the descriptors that came with a message: the peer's pidfd, and all others.
///
/// # Safety
/// The message is one that the kernel has filled in, and of which nobody has taken descriptors.
unsafe fn take_descriptors(message: &libc::msghdr, fds: &mut Vec<OwnedFd>, peer: &mut Option<OwnedFd>) {
    // SAFETY: by this function's contract the headers are in order, and each descriptor is new and nobody else's.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(found) = header.as_ref() {
            let mut data = libc::CMSG_DATA(header).cast::<libc::c_int>();
            let bytes = (found.cmsg_len as u64).saturating_sub(libc::CMSG_LEN(0).into());
            if found.cmsg_level == libc::SOL_SOCKET && matches!(found.cmsg_type, libc::SCM_RIGHTS | PIDFD) {
                for _ in 0..bytes / size_of::<libc::c_int>() as u64 {
                    let fd = data.read_unaligned();
                    data = data.add(1);
                    // There is no pidfd of a process that has gone.
                    if fd < 0 {
                        continue;
                    }
                    let fd = OwnedFd::from_raw_fd(fd);
                    if found.cmsg_type == PIDFD { *peer = Some(fd) } else { fds.push(fd) }
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
}

/// A descriptor, and the events that it is polled for.
pub(crate) fn wanted(fd: &impl AsFd, events: PollFlags) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd.as_fd(), events)
}

/// Waits until one of these has an event that is wanted, or is at its end. Gives back the events of each.
pub(crate) fn poll<const N: usize>(wanted: [PollFd<'_>; N]) -> Result<[PollFlags; N], RawErrno> {
    poll_for(wanted, None)
}

/// The same, but not for longer than this.
fn poll_for<const N: usize>(mut wanted: [PollFd<'_>; N], most: Option<&Timespec>) -> Result<[PollFlags; N], RawErrno> {
    retry_on_intr(|| event::poll(&mut wanted, most))?;
    Ok(wanted.map(|fd| fd.revents()))
}

/// A socket after the greetings. Whatever fails on it, the other process has gone, or is treated as if it had.
pub(crate) struct PeerSocket {
    stream: UnixStream,
    /// The process at its other end.
    peer: OwnedFd,
}

impl PeerSocket {
    /// The socket that this greeting came from.
    pub(crate) fn new(stream: UnixStream, greeting: Greeting) -> Result<Self, RawErrno> {
        Ok(Self { stream, peer: greeting.peer.ok_or(RawErrno::SRCH)? })
    }

    /// Descriptors that are ready as soon as the other process has hung up, or has gone.
    pub(crate) fn end(&self) -> [PollFd<'_>; 2] {
        [wanted(&self.stream, PollFlags::RDHUP), wanted(&self.peer, PollFlags::IN)]
    }

    /// Whether the other process has ended.
    pub(crate) fn has_died(&self) -> bool {
        let mut peer = [wanted(&self.peer, PollFlags::IN)];
        retry_on_intr(|| event::poll(&mut peer, Some(&Timespec::default()))).is_ok_and(|ended| ended != 0)
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Result<(), RawErrno> {
        send(&self.stream, bytes)
    }

    /// Waits for as many bytes as there is room for, as long as the other process is there.
    pub(crate) fn receive(&self, into: &mut [u8]) -> Result<(), RawErrno> {
        self.receive_from(&self.stream, into)
    }

    /// The same, as long as this holds, too, which is looked at now and then.
    pub(crate) fn receive_while(&self, into: &mut [u8], holds: impl Fn() -> bool) -> Result<(), RawErrno> {
        let now_and_then = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        self.receive_until(&self.stream, into, Some(&now_and_then), holds)
    }

    /// As [`receive`](Self::receive), on another socket to that process.
    pub(crate) fn receive_from(&self, from: &UnixStream, into: &mut [u8]) -> Result<(), RawErrno> {
        self.receive_until(from, into, None, || true)
    }

    fn receive_until(
        &self,
        from: &UnixStream,
        into: &mut [u8],
        pause: Option<&Timespec>,
        holds: impl Fn() -> bool,
    ) -> Result<(), RawErrno> {
        let mut rest = into;
        while !rest.is_empty() {
            let [hangs_up, dies] = self.end();
            let polled @ [ready, ..] = poll_for([wanted(from, PollFlags::IN), hangs_up, dies], pause)?;
            if polled.iter().all(PollFlags::is_empty) && holds() {
                continue;
            }
            if !ready.contains(PollFlags::IN) {
                return Err(RawErrno::SRCH);
            }
            match net::recv(from, &mut *rest, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(RawErrno::SRCH),
                Ok((got, _)) => rest = rest.get_mut(got..).unwrap_or_default(),
                Err(RawErrno::INTR | RawErrno::AGAIN) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// From now on nobody waits on it any more, on either side.
    pub(crate) fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// From now on nobody waits on it any more on this side. The other side learns of it when this one
    /// [hangs up](Self::hang_up).
    pub(crate) fn stop_receiving(&self) {
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// Sends all of these bytes.
pub(crate) fn send(stream: &UnixStream, bytes: &[u8]) -> Result<(), RawErrno> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let sent = retry_on_intr(|| net::send(stream, rest, SendFlags::NOSIGNAL))?;
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// How many bytes a regular file has.
pub(crate) fn size_of_file(fd: &OwnedFd) -> Result<u64, RawErrno> {
    let stat = fs::fstat(fd)?;
    match u64::try_from(stat.st_size) {
        Ok(size) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(size),
        _ => Err(RawErrno::INVAL),
    }
}

/// Reads what there is, and throws it away. For a descriptor that does not block.
pub(crate) fn drain(fd: &OwnedFd) {
    while rustix::io::read(fd, &mut [0; 512]).is_ok_and(|read| read != 0) {}
}
