//! A forked process that touches what its parent tells it to.

use std::{
    io::{self, Read, Write},
    os::{
        fd::RawFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::user::{Refusal, Trap};

use crate::{calls, trap};

/// The child, and the line to it. It exits when this is dropped.
pub(crate) struct Child {
    process: libc::pid_t,
    line: Mutex<UnixStream>,
}

/// The most that is read or written at once.
const CHUNK: usize = 4096;

// What the child is told to do: a command, with an address, a length, and two more words for some.
const READ: u64 = 0;
const WRITE: u64 = 1;
const UNMAP: u64 = 2;
/// With the page in the place of the address, and the request in that of the length.
const CONTROL: u64 = 3;
/// `mprotect`, to read only.
const PROTECT_READ: u64 = 4;
/// `mprotect`, to read and write.
const PROTECT_WRITE: u64 = 5;
/// `mmap`, there and nowhere else, with protection and flags in one word, and the offset.
const MAP: u64 = 6;
/// `mremap`, to an address that is one word more.
const MOVE: u64 = 7;
/// `mremap` in place, to a length that is one word more.
const RESIZE: u64 = 8;
/// Forks, a child of the same parent's. It has a line of its own, by the two numbers in place of address and length. The
/// value that is answered is its process number.
const FORK: u64 = 9;

// What it answers, with a value.
/// It is done. The value is what an ioctl has given.
const DONE: u64 = 0;
/// A SIGBUS at the address that is the value.
const SIGBUS: u64 = 1;
/// A SIGSEGV at the address that is the value.
const SIGSEGV: u64 = 2;
/// The errno that is the value, or 0 for an error that is none.
const FAILED: u64 = 3;
/// Another signal.
const STRANGE: u64 = 4;

impl Child {
    /// Forks. The child's requests go to the device of this file.
    pub(crate) fn fork(file: RawFd) -> io::Result<Self> {
        let (line, mut theirs) = UnixStream::pair()?;
        // SAFETY: the child only calls what may be called after a fork of a process with threads: system calls, and a
        // copy. It allocates nothing.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                drop(line);
                let _ = serve(&mut theirs, file);
                // SAFETY: ends the child, without what the parent has registered for its own end.
                unsafe { libc::_exit(0) }
            }
            process => Ok(Self { process, line: Mutex::new(line) }),
        }
    }

    /// Has the child fork.
    pub(crate) fn fork_again(&self) -> Result<Self, Refusal> {
        static LINES: AtomicUsize = AtomicUsize::new(0);
        let number = LINES.fetch_add(1, Ordering::Relaxed);
        let its_line = |error: io::Error| calls::refusal(&error);
        let listener = place(process::id() as usize, number).and_then(|place| UnixListener::bind_addr(&place));
        let listener = listener.map_err(its_line)?;
        let process = self.call(FORK, process::id() as usize, number, [0; 2])? as libc::pid_t;
        let (line, _) = listener.accept().map_err(its_line)?;
        Ok(Self { process, line: Mutex::new(line) })
    }

    pub(crate) fn pid(&self) -> libc::pid_t {
        self.process
    }

    pub(crate) fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        for (index, chunk) in into.chunks_mut(CHUNK).enumerate() {
            let at = at.get() + index * CHUNK;
            self.ask(|line| {
                command(line, READ, at, chunk.len(), [0; 2])?;
                let answer = answer(line)?;
                line.read_exact(chunk)?;
                Ok(answer)
            })?;
        }
        Ok(())
    }

    pub(crate) fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        for (index, chunk) in from.chunks(CHUNK).enumerate() {
            let at = at.get() + index * CHUNK;
            self.ask(|line| {
                command(line, WRITE, at, chunk.len(), [0; 2])?;
                line.write_all(chunk)?;
                answer(line)
            })?;
        }
        Ok(())
    }

    /// The child calls `mmap`, for its file.
    pub(crate) fn map(
        &self,
        at: UserAddr,
        len: usize,
        prot: i32,
        flags: i32,
        offset: i64,
    ) -> Result<UserAddr, Refusal> {
        let mode = prot as usize | (flags as usize) << 32;
        self.call(MAP, at.get(), len, [mode, offset as usize]).map(|at| UserAddr::new(at as usize))
    }

    /// The child calls `mremap` to move a mapping.
    pub(crate) fn move_to(&self, at: UserAddr, len: usize, to: UserAddr) -> Result<(), Refusal> {
        self.call(MOVE, at.get(), len, [to.get(), 0]).map(drop)
    }

    /// The child calls `mremap` to make a mapping shorter or longer where it is.
    pub(crate) fn resize(&self, at: UserAddr, len: usize, new_len: usize) -> Result<(), Refusal> {
        self.call(RESIZE, at.get(), len, [new_len, 0]).map(drop)
    }

    pub(crate) fn unmap(&self, at: UserAddr, len: usize) -> Result<(), Refusal> {
        self.call(UNMAP, at.get(), len, [0; 2]).map(drop)
    }

    /// The child calls `mprotect`.
    pub(crate) fn protect(&self, at: UserAddr, len: usize, writable: bool) -> Result<(), Refusal> {
        self.call(if writable { PROTECT_WRITE } else { PROTECT_READ }, at.get(), len, [0; 2]).map(drop)
    }

    /// The child asks for a number of the module's, by an ioctl.
    pub(crate) fn number(&self, which: u64, page: usize) -> Result<u64, Refusal> {
        self.call(CONTROL, page, which as usize, [0; 2])
    }

    /// A system call of the child's.
    fn call(&self, what: u64, at: usize, len: usize, more: [usize; 2]) -> Result<u64, Refusal> {
        let told = self.tell(|line| {
            command(line, what, at, len, more)?;
            answer(line)
        });
        match told {
            Ok((DONE, value)) => Ok(value),
            Ok((_, errno)) => Err(errno_of(errno).map_or(Refusal::Other("a strange errno".into()), Refusal::Errno)),
            Err(error) => Err(Refusal::Other(format!("the child is gone: {error}"))),
        }
    }

    fn tell(&self, question: impl FnOnce(&mut UnixStream) -> io::Result<(u64, u64)>) -> io::Result<(u64, u64)> {
        question(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask(&self, question: impl FnOnce(&mut UnixStream) -> io::Result<(u64, u64)>) -> Result<(), Trap> {
        match self.tell(question) {
            Ok((DONE, _)) => Ok(()),
            Ok((SIGBUS, address)) => Err(Trap::Sigbus(UserAddr::new(address as usize))),
            Ok((SIGSEGV, address)) => Err(Trap::Sigsegv(UserAddr::new(address as usize))),
            Ok((FAILED, errno)) => {
                Err(Trap::Other(errno_of(errno).map_or("a strange errno".into(), |errno| errno.to_string())))
            }
            Ok(_) => Err(Trap::Other("a strange signal in the child".into())),
            Err(error) => Err(Trap::Other(format!("the child is gone: {error}"))),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The child exits when its line is closed.
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = line.shutdown(std::net::Shutdown::Both);
        // SAFETY: it is our child, and nobody else waits for it.
        unsafe { libc::waitpid(self.process, std::ptr::null_mut(), 0) };
    }
}

fn errno_of(number: u64) -> Option<Errno> {
    Errno::from_raw(i32::try_from(number).ok()?)
}

/// Where a child of the children's finds the line to its parent.
fn place(parent: usize, number: usize) -> io::Result<SocketAddr> {
    let mut name = [0; 32];
    // Without an allocation: the child may not.
    write!(&mut name[..], "vmctx {parent} {number}")?;
    SocketAddr::from_abstract_name(name)
}

fn command(line: &mut UnixStream, what: u64, at: usize, len: usize, more: [usize; 2]) -> io::Result<()> {
    let mut bytes = [0; 40];
    for (place, word) in bytes.chunks_exact_mut(8).zip([what, at as u64, len as u64, more[0] as u64, more[1] as u64]) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    line.write_all(&bytes)
}

fn answer(line: &mut UnixStream) -> io::Result<(u64, u64)> {
    let [code, value] = words(line)?;
    Ok((code, value))
}

fn words<const N: usize>(line: &mut UnixStream) -> io::Result<[u64; N]> {
    let mut words = [[0; 8]; N];
    line.read_exact(words.as_flattened_mut())?;
    Ok(words.map(u64::from_ne_bytes))
}

/// The child's side, until the line ends.
fn serve(line: &mut UnixStream, file: RawFd) -> io::Result<()> {
    let mut bytes = [0; CHUNK];
    loop {
        let [what, at, len, third, fourth] = words(line)?;
        let (at, len) = (UserAddr::new(at as usize), len as usize);
        let chunk = bytes.get_mut(..len.min(CHUNK)).unwrap_or_default();
        let outcome = match what {
            READ => {
                // What is behind the bytes that were loaded is the parent's to see, too.
                chunk.fill(0);
                trap::read(at, chunk)
            }
            WRITE => line.read_exact(chunk).map(|()| trap::write(at, chunk))?,
            _ => Ok(()),
        };
        let (code, value) = match outcome {
            Ok(()) if what == UNMAP => said(calls::munmap(at, len).map(|()| 0)),
            Ok(()) if what == PROTECT_READ => said(calls::mprotect(at, len, libc::PROT_READ).map(|()| 0)),
            Ok(()) if what == PROTECT_WRITE => {
                said(calls::mprotect(at, len, libc::PROT_READ | libc::PROT_WRITE).map(|()| 0))
            }
            Ok(()) if what == MAP => {
                let (prot, flags) = (third as u32 as i32, (third >> 32) as i32);
                said(calls::mmap_at(at, file, len, prot, flags, fourth as i64).map(|at| at.get() as u64))
            }
            Ok(()) if what == MOVE => said(calls::mremap(at, len, UserAddr::new(third as usize), len).map(|_| 0)),
            Ok(()) if what == RESIZE => said(calls::resize(at, len, third as usize).map(|_| 0)),
            Ok(()) if what == FORK => match calls::fork_sibling() {
                Ok(0) => {
                    *line = UnixStream::connect_addr(&place(at.get(), len)?)?;
                    continue;
                }
                forked => said(forked.map(|process| process as u64)),
            },
            Ok(()) if what == CONTROL => said(calls::gauge(file, len as u64, at.get())),
            Ok(()) => (DONE, 0),
            Err(Trap::Sigbus(address)) => (SIGBUS, address.get() as u64),
            Err(Trap::Sigsegv(address)) => (SIGSEGV, address.get() as u64),
            Err(Trap::Other(_)) => (STRANGE, 0),
        };
        line.write_all([code, value].map(u64::to_ne_bytes).as_flattened())?;
        if what == READ {
            line.write_all(chunk)?;
        }
    }
}

/// What a system call gave, as an answer.
fn said(result: Result<u64, Refusal>) -> (u64, u64) {
    match result {
        Ok(value) => (DONE, value),
        Err(Refusal::Errno(errno)) => (FAILED, errno.to_raw() as u64),
        Err(Refusal::Other(_)) => (FAILED, 0),
    }
}
