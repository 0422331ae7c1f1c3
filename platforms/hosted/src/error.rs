//! What a user gets instead of bytes or an address.

use std::fmt;

use vmctx::{Errno, UserAddr};

use crate::hook::Hook;

/// The signal that a user access ends with, and the address that it names (`si_addr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// The mapping is there, and its driver could not serve the access.
    Sigbus(UserAddr),
    /// No mapping there, or one that does not allow the access.
    Sigsegv(UserAddr),
    /// SIGKILL: from the OOM killer, or from [`Process::kill`](crate::Process::kill).
    Killed(UserAddr),
}

impl Signal {
    /// The address of the access.
    #[must_use]
    pub const fn address(self) -> UserAddr {
        match self {
            Self::Sigbus(address) | Self::Sigsegv(address) | Self::Killed(address) => address,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Sigbus(_) => "SIGBUS",
            Self::Sigsegv(_) => "SIGSEGV",
            Self::Killed(_) => "SIGKILL",
        };
        write!(f, "{name} at {}", self.address())
    }
}

/// A user access did not happen. Bytes of the pages before the one that failed were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The thread gets a signal, as on Linux.
    #[error("{0}")]
    Signal(Signal),
    /// The handler asks to repeat the access again and again, and the entry never changes: Linux would loop for ever.
    /// [`Machine::max_refaults`](crate::Machine::max_refaults), on `sim` its `Limits::refaults`, is how often that is put
    /// up with.
    #[error("the fault at {address} was repeated {refaults} times, and nothing ever changed")]
    RefaultsForever {
        /// The address of the access.
        address: UserAddr,
        /// How many times the handler ran.
        refaults: usize,
    },
    /// The access comes from inside a hook: Linux would deadlock on the mmap lock, sooner or later.
    #[error("user memory at {address} was touched from inside the {hook} hook")]
    InsideHook {
        /// The hook that runs.
        hook: Hook,
        /// The address of the access.
        address: UserAddr,
    },
    /// The handler returned the answer to another fault. Safe code cannot; unsound code can.
    #[error("the fault at {address} was answered with the answer to another fault")]
    ForeignAnswer {
        /// The address of the access.
        address: UserAddr,
    },
    /// The answer does not fit what was done: Linux would dereference NULL or unlock what is not locked. Safe code
    /// cannot do it; unsound code can.
    #[error("the answer to the fault at {address} is wrong: {reason}")]
    WrongAnswer {
        /// The address of the access.
        address: UserAddr,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The handler locked a page that it had locked already: Linux would sleep for ever.
    #[error("the fault at {address} locked the same page twice")]
    PageLockedTwice {
        /// The address of the access.
        address: UserAddr,
    },
    /// The process has exited.
    #[error("the process has exited")]
    Exited,
}

impl AccessError {
    /// The signal, if it is one.
    #[must_use]
    pub const fn signal(&self) -> Option<Signal> {
        match self {
            Self::Signal(signal) => Some(*signal),
            _ => None,
        }
    }
}

/// A system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyscallError {
    /// With an error number, as on Linux.
    #[error("{0}")]
    Failed(#[from] Errno),
    /// The call comes from inside a hook: Linux would deadlock on the mmap lock.
    #[error("system call from inside the {hook} hook")]
    InsideHook {
        /// The hook that runs.
        hook: Hook,
    },
    /// The process has exited.
    #[error("the process has exited")]
    Exited,
}

impl SyscallError {
    /// The error number, if it is one.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Failed(errno) => Some(*errno),
            _ => None,
        }
    }
}
