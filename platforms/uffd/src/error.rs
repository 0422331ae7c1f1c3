//! The errors: what a session cannot be opened for, what goes wrong while it serves, and what a call or an access ends with.

use std::{fmt, io};

use vmctx::{Errno, UserAddr};

use vmctx_hosted::Hook;

/// An error number of the kernel's, as it is.
pub(crate) use rustix::io::Errno as RawErrno;

/// An error number of the kernel's, with the kernel's text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KernelError(i32);

impl KernelError {
    /// The number.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// Not a `From`, which would show others whose `Errno` it is.
    pub(crate) const fn of(errno: RawErrno) -> Self {
        Self(errno.raw_os_error())
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Errno::from_raw(self.0) {
            Some(errno) => errno.fmt(f),
            None => io::Error::from_raw_os_error(self.0).fmt(f),
        }
    }
}

impl fmt::Debug for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What each way to open a userfaultfd failed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// `/dev/userfaultfd`, for whoever may open that.
    pub device: KernelError,
    /// The system call, for the privileged.
    pub privileged: KernelError,
    /// The system call with `UFFD_USER_MODE_ONLY`, for everybody.
    pub user_mode_only: KernelError,
}

/// Page faults cannot be served here: what is missing, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no userfaultfd to be had.
    #[error(
        "no userfaultfd ({}, then {}, then {}): Linux 5.11 has it for every user, if built with CONFIG_USERFAULTFD; in a \
         container, allow the system call userfaultfd in its seccomp profile",
        .0.device, .0.privileged, .0.user_mode_only
    )]
    NoUserfaultfd(Attempt),
    /// [`Options::refuse_user_mode_only`](crate::Options::refuse_user_mode_only), and no more is to be had.
    #[error(
        "only faults of user mode can be served here ({device}, then {privileged}), and those of system calls and of KVM \
         are asked for: let this user open /dev/userfaultfd, or set vm.unprivileged_userfaultfd to 1"
    )]
    UserModeOnly {
        /// What opening `/dev/userfaultfd` failed with.
        device: KernelError,
        /// What the system call for all faults failed with.
        privileged: KernelError,
    },
    /// The same, of the process at the other end of the socket.
    #[error(
        "the guest can have only faults of user mode served, and those of system calls and of KVM are asked for: let its \
         user open /dev/userfaultfd, or set vm.unprivileged_userfaultfd to 1"
    )]
    GuestUserModeOnly,
    /// `Options::in_thread` with `Options::refuse_user_mode_only`.
    #[error(
        "a system call's faults are not served by the thread that has them: leave out Options::in_thread or \
         Options::refuse_user_mode_only"
    )]
    InThreadUserModeOnly,
    /// The kernel is too old, or built without shared memory or write protection by userfaultfd.
    #[error("this kernel has no UFFD_FEATURE_{name}: boot Linux {since} or later, on x86-64 or AArch64")]
    MissingFeature {
        /// Its name, without `UFFD_FEATURE_`.
        name: &'static str,
        /// The first Linux that has it.
        since: &'static str,
    },
    /// Pages of another size than 4096 bytes.
    #[error("this kernel's pages have {0} bytes, and this platform's 4096: boot a kernel with 4 KiB pages")]
    PageSize(usize),
    /// Each frame of each memory has a number of its own for the life of the program, and they are used up.
    #[error("this program has made so many memories that there are no frame numbers left: clone one, or begin anew")]
    FrameNumbers,
    /// The [`Memory`](crate::Memory) was made before fork, by a parent of this process.
    #[error("the memory is a parent's of this process: make memory and sessions after fork")]
    Forked,
    /// This process has as many descriptors open as it may (EMFILE).
    #[error("this process may open no more descriptors: raise RLIMIT_NOFILE (ulimit -n)")]
    ProcessFiles,
    /// The system has as many open files as it may (ENFILE).
    #[error("the system can open no more files: raise fs.file-max")]
    SystemFiles,
    /// The process may make no file as large as the memory is (RLIMIT_FSIZE), and memory is a file to the kernel.
    #[error("memory is a file of {wanted} bytes to the kernel, and a file's limit is {limit}: raise it (ulimit -f)")]
    FileSize {
        /// How many bytes the memory needs, without any for devices.
        wanted: u64,
        /// The limit.
        limit: u64,
    },
    /// The system has no large pages to give: none, or not so many.
    #[error(
        "the system does not give {wanted} pages of 2 MiB ({error}): reserve them (vm.nr_hugepages), on a kernel with \
         CONFIG_HUGETLBFS"
    )]
    HugePages {
        /// How many were asked for.
        wanted: usize,
        /// What the kernel refuses with.
        error: KernelError,
    },
    /// `Options::open_for` with [memory of large pages](crate::Memory::of_huge_pages).
    #[error("memory of 2 MiB pages is not mapped in another process: open a session of this one's")]
    GuestHugePages,
    /// The kernel refused something that should always work: memory, threads, addresses.
    #[error("the kernel refuses: {0}")]
    Refused(KernelError),
    /// `Options::in_thread` with `Options::open_for`: the threads that have faults are another process's.
    #[error("faults of another process are not served by the thread that has them: leave Options::in_thread out")]
    InThread,
    /// The process at the other end of the socket hung up before a session was agreed on. It knows why.
    #[error("the other process hung up: what its own call failed with says why")]
    HungUp,
    /// What the other end of the socket says is something else.
    #[error("the other end of the socket is no session's and no guest's: one calls Session::open_for, one Guest::join")]
    OtherProtocol,
    /// The other process has another version of this crate.
    #[error(
        "the other process speaks version {theirs}, and this one {ours}: build both with one version of vmctx-uffd"
    )]
    OtherVersion {
        /// This process's.
        ours: u32,
        /// The other one's.
        theirs: u32,
    },
}

impl OpenError {
    /// What the kernel refuses with.
    pub(crate) fn refused(errno: RawErrno) -> Self {
        match errno {
            RawErrno::MFILE => Self::ProcessFiles,
            RawErrno::NFILE => Self::SystemFiles,
            _ => Self::Refused(KernelError::of(errno)),
        }
    }

    /// What mmap fails with where the mapping needs another userfaultfd, and that cannot be opened.
    pub(crate) fn errno(self) -> Errno {
        match self {
            Self::ProcessFiles => Errno::EMFILE,
            Self::SystemFiles => Errno::ENFILE,
            Self::UserModeOnly { .. } => Errno::EPERM,
            Self::Refused(error) => errno(RawErrno::from_raw_os_error(error.0)),
            _ => Errno::ENOSYS,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::refused(raw(&error))
    }
}

/// What went wrong while faults were served. The waiting access has had its SIGBUS; this is for the session's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A driver panicked.
    #[error("the driver panicked in its {hook} hook, for {address}: {message}")]
    Panicked {
        /// The hook that panicked.
        hook: Hook,
        /// The address of the access.
        address: UserAddr,
        /// The panic's message.
        message: String,
    },
    /// The handler asks to repeat the access again and again, and nothing ever changes.
    #[error("the fault at {address} was repeated {refaults} times, and nothing ever changed")]
    RefaultsForever {
        /// The address of the access.
        address: UserAddr,
        /// How many times the handler ran.
        refaults: usize,
    },
    /// There was no memory, time after time. There is nobody to kill for it here.
    #[error("no memory to serve the fault at {address}")]
    OutOfMemory {
        /// The address of the access.
        address: UserAddr,
    },
    /// The process has as many mappings as it may, and the page does not lie where a mapping would show it.
    #[error(
        "no mapping left of {limit} to serve the fault at {address}, whose page does not lie in the order of the object's \
         offsets: raise vm.max_map_count, or allocate pages in that order"
    )]
    OutOfMappings {
        /// The address of the access.
        address: UserAddr,
        /// How many the process may have.
        limit: usize,
    },
    /// The answer does not fit what was done. Safe code cannot do it; unsound code can.
    #[error("the answer to the fault at {address} is wrong: {reason}")]
    WrongAnswer {
        /// The address of the access.
        address: UserAddr,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The kernel refused to do what the platform asked for.
    #[error("the kernel refuses to serve the fault at {address}: {error}")]
    Kernel {
        /// The address of the access.
        address: UserAddr,
        /// What it refuses with.
        error: KernelError,
    },
    /// A fault of a [peer](crate::Peer) that has said nothing of such a region. The access gets a SIGBUS.
    #[error("a fault at {address}, outside the regions that came with the userfaultfd")]
    OutsideRegions {
        /// The address of the access.
        address: UserAddr,
    },
    /// A hook waits, and no thread could be started that serves in its place: faults wait with it.
    #[error("a hook waits, and there is no thread to serve in its place: {0}")]
    NoThread(KernelError),
    /// Faults cannot be read any more. Everything that was not mapped is a SIGBUS.
    #[error("faults cannot be read any more: {0}")]
    Unreadable(KernelError),
    /// The [other process](crate::Guest) whose faults were served. Nothing of the session is mapped there any more.
    #[error("the process whose faults were served has gone, or has dropped its Guest")]
    GuestGone,
}

/// A system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyscallError {
    /// With an error number, as on Linux.
    #[error("{0}")]
    Failed(#[from] Errno),
    /// The call comes from inside a hook, which holds the lock that it needs.
    #[error("system call from inside the {hook} hook")]
    InsideHook {
        /// The hook that runs.
        hook: Hook,
    },
    /// The session was stopped.
    #[error("the session was stopped")]
    Stopped,
    /// The session was opened before fork, by a parent of this process.
    #[error("the session is a parent's of this process: open sessions after fork")]
    Forked,
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

/// An access through [`Session::read`](crate::Session::read) or [`Session::write`](crate::Session::write) did not
/// happen. Bytes before the one that failed were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trap {
    /// The mapping is there, and its driver could not serve the access. The address is the signal's.
    #[error("SIGBUS at {0}")]
    Sigbus(UserAddr),
    /// No mapping there, or one that does not allow the access. The address is the signal's.
    #[error("SIGSEGV at {0}")]
    Sigsegv(UserAddr),
    /// The access comes from inside a hook, which would wait for itself.
    #[error("user memory at {address} was touched from inside the {hook} hook")]
    InsideHook {
        /// The hook that runs.
        hook: Hook,
        /// The address of the access.
        address: UserAddr,
    },
    /// The address is a parent's of this process, which has opened the session, or joined it, before fork.
    #[error("{address} is an address of a parent's of this process: open sessions after fork")]
    Forked {
        /// The address of the access.
        address: UserAddr,
    },
    /// The address is another process's.
    #[error("{address} is the guest's address: read and write there, through its Guest")]
    InGuest {
        /// The address of the access.
        address: UserAddr,
    },
}

/// The error number of an error of the standard library's.
pub(crate) fn raw(error: &io::Error) -> RawErrno {
    RawErrno::from_io_error(error).unwrap_or(RawErrno::IO)
}

/// A number of the kernel's as an error of the mmap context's.
pub(crate) fn errno(raw: RawErrno) -> Errno {
    Errno::from_raw(raw.raw_os_error()).unwrap_or(Errno::EIO)
}
