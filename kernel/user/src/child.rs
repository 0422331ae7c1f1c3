//! A forked process that touches what its parent tells it to.

use std::{
    io::{self, Read, Write},
    os::{fd::RawFd, unix::net::UnixStream},
    sync::{Mutex, PoisonError},
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

// What the child is told to do: a command, with an address and a length.
const READ: u64 = 0;
const WRITE: u64 = 1;
const UNMAP: u64 = 2;
/// With the page in the place of the address, and the request in that of the length.
const CONTROL: u64 = 3;
/// `mprotect`, to read only.
const PROTECT_READ: u64 = 4;
/// `mprotect`, to read and write.
const PROTECT_WRITE: u64 = 5;

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

    pub(crate) fn pid(&self) -> libc::pid_t {
        self.process
    }

    pub(crate) fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        for (index, chunk) in into.chunks_mut(CHUNK).enumerate() {
            let at = at.get() + index * CHUNK;
            self.ask(|line| {
                command(line, READ, at, chunk.len())?;
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
                command(line, WRITE, at, chunk.len())?;
                line.write_all(chunk)?;
                answer(line)
            })?;
        }
        Ok(())
    }

    pub(crate) fn unmap(&self, at: UserAddr, len: usize) -> Result<(), Refusal> {
        self.ask(|line| {
            command(line, UNMAP, at.get(), len)?;
            answer(line)
        })
        .map_err(|trap| Refusal::Other(trap.to_string()))
    }

    /// The child calls `mprotect`.
    pub(crate) fn protect(&self, at: UserAddr, len: usize, writable: bool) -> Result<(), Refusal> {
        self.call(if writable { PROTECT_WRITE } else { PROTECT_READ }, at.get(), len).map(drop)
    }

    /// The child asks for a number of the module's, by an ioctl.
    pub(crate) fn number(&self, which: u64, page: usize) -> Result<u64, Refusal> {
        self.call(CONTROL, page, which as usize)
    }

    /// A system call of the child's.
    fn call(&self, what: u64, at: usize, len: usize) -> Result<u64, Refusal> {
        let told = self.tell(|line| {
            command(line, what, at, len)?;
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

fn command(line: &mut UnixStream, what: u64, at: usize, len: usize) -> io::Result<()> {
    for word in [what, at as u64, len as u64] {
        line.write_all(&word.to_ne_bytes())?;
    }
    Ok(())
}

fn answer(line: &mut UnixStream) -> io::Result<(u64, u64)> {
    Ok((word(line)?, word(line)?))
}

fn word(line: &mut UnixStream) -> io::Result<u64> {
    let mut bytes = [0; 8];
    line.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The child's side, until the line ends.
fn serve(line: &mut UnixStream, file: RawFd) -> io::Result<()> {
    let mut bytes = [0; CHUNK];
    loop {
        let (what, at, len) = (word(line)?, UserAddr::new(word(line)? as usize), word(line)? as usize);
        let chunk = bytes.get_mut(..len.min(CHUNK)).unwrap_or_default();
        let outcome = match what {
            READ => trap::read(at, chunk),
            WRITE => line.read_exact(chunk).map(|()| trap::write(at, chunk))?,
            _ => Ok(()),
        };
        let (code, value) = match outcome {
            Ok(()) if what == UNMAP => said(calls::munmap(at, len).map(|()| 0)),
            Ok(()) if what == PROTECT_READ => said(calls::mprotect(at, len, libc::PROT_READ).map(|()| 0)),
            Ok(()) if what == PROTECT_WRITE => {
                said(calls::mprotect(at, len, libc::PROT_READ | libc::PROT_WRITE).map(|()| 0))
            }
            Ok(()) if what == CONTROL => said(calls::gauge(file, len as u64, at.get())),
            Ok(()) => (DONE, 0),
            Err(Trap::Sigbus(address)) => (SIGBUS, address.get() as u64),
            Err(Trap::Sigsegv(address)) => (SIGSEGV, address.get() as u64),
            Err(Trap::Other(_)) => (STRANGE, 0),
        };
        line.write_all(&u64::to_ne_bytes(code))?;
        line.write_all(&u64::to_ne_bytes(value))?;
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
