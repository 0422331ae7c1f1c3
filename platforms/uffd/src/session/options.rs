//! How a session is set up.

/// How a session is set up. [`Session::open`](crate::Session::open) is all defaults.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(crate) readers: usize,
    pub(crate) refaults: usize,
    pub(crate) in_thread: bool,
    pub(crate) refuse_user_mode_only: bool,
    pub(crate) tracking: Option<Tracking>,
}

/// By what it is known which pages were [stored to](crate::Session::take_dirty).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tracking {
    /// The kernel notes it, and no store is a fault for that (`UFFD_FEATURE_WP_ASYNC` and `PAGEMAP_SCAN`, Linux 6.7).
    Kernel,
    /// The first store to each page is a fault, which no driver is asked about.
    Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 1, refaults: 100_000, in_thread: false, refuse_user_mode_only: false, tracking: None }
    }
}

impl Options {
    /// How many threads read faults from the start: 1, if nothing is said. A thread that waits inside a hook is replaced
    /// while it does; more threads from the start help where many others fault at once and drivers take long, and cost
    /// a wake-up of each for every fault.
    #[must_use]
    pub const fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// How often a handler may repeat one access without inserting anything: 100,000 times, if nothing is said, which is
    /// about a second. Then it is a [`SessionError::RefaultsForever`](crate::SessionError::RefaultsForever), and a SIGBUS.
    #[must_use]
    pub const fn refaults(self, refaults: usize) -> Self {
        Self { refaults, ..self }
    }

    /// Faults are served by the thread that has them, in a handler of SIGBUS: no other thread is woken, which makes a
    /// fault cheaper. The driver's hooks run on that thread's stack, in the middle of whatever touched the memory: what
    /// touches it must hold no lock that a hook takes, an allocator's included. A system call that meets an empty page
    /// fails with EFAULT. So does the kernel itself where it would put a signal's frame: a signal stack must be no such memory.
    /// Who touches it from a signal stack has the hooks run there, so that must be large enough for them.
    ///
    /// The handler is installed by the first session of a process, and passes on what is not for it. Whoever installs
    /// another one after that has to do the same. Signals that others send come when the handler returns. A thread must not
    /// block SIGBUS: the kernel would end the process.
    #[must_use]
    pub const fn in_thread(self) -> Self {
        Self { in_thread: true, ..self }
    }

    /// Faults of system calls and of KVM must be served, too: where only those of user mode can be, opening fails with
    /// [`OpenError::UserModeOnly`], or [`OpenError::GuestUserModeOnly`]. If nothing is said, such a session opens
    /// nevertheless, and [`Session::is_user_mode_only`] tells: a system call that meets an empty page fails with EFAULT
    /// there, and so does `KVM_RUN`.
    ///
    /// [`OpenError::UserModeOnly`]: crate::OpenError::UserModeOnly
    /// [`OpenError::GuestUserModeOnly`]: crate::OpenError::GuestUserModeOnly
    /// [`Session::is_user_mode_only`]: crate::Session::is_user_mode_only
    #[must_use]
    pub const fn refuse_user_mode_only(self) -> Self {
        Self { refuse_user_mode_only: true, ..self }
    }

    /// It is noted which pages of shared mappings are stored to, for [`Session::take_dirty`]: by the kernel where it has
    /// that, else by faults. [`Session::tracking`] tells by which. The mappings of drivers that are told of first stores
    /// themselves have it in any case.
    ///
    /// [`Session::take_dirty`]: crate::Session::take_dirty
    /// [`Session::tracking`]: crate::Session::tracking
    #[must_use]
    pub const fn track_stores(self) -> Self {
        Self { tracking: Some(Tracking::Kernel), ..self }
    }

    /// As [`track_stores`](Self::track_stores), by faults even where the kernel could do it: to see what becomes of a
    /// program where it cannot.
    #[must_use]
    pub const fn track_stores_by_faults(self) -> Self {
        Self { tracking: Some(Tracking::Faults), ..self }
    }
}
