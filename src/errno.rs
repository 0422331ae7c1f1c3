//! Linux's errno table, and an errno with how far it let an operation come.

use crate::units::PageCount;

/// Builds [`Errno`] from one row an errno, so that name, number and text cannot drift apart.
macro_rules! errno_table {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// An error number of the kernel: what went wrong, under its Linux name.
        ///
        /// The numbers are those of `include/uapi/asm-generic/errno.h` and, from 512 on, of
        /// `include/linux/errno.h`, which never reach user space. Alpha, MIPS, PA-RISC and SPARC number some of them
        /// differently; there a platform translates at its border.
        ///
        /// There is no zero: success is `Ok`, never an error number. Nothing converts an `Errno` into a
        /// [`VmFault`](crate::VmFault) or back (guarantees [G3](crate::guide::guarantees#g3)): a fault handler that
        /// has one spends its token on [`FaultCtx::fail`](crate::FaultCtx::fail) or
        /// [`FaultCtx::fail_or_refault`](crate::FaultCtx::fail_or_refault).
        ///
        /// ```
        /// use vmctx::Errno;
        ///
        /// assert_eq!(Errno::ENXIO.to_string(), "ENXIO: no such device or address");
        /// assert_eq!(Errno::from_raw(6), Some(Errno::ENXIO));
        /// assert_eq!(Errno::from_raw(0), None);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
        #[expect(non_camel_case_types, reason = "errno names are written as the kernel writes them")]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Errno {
            $(
                #[doc = $text]
                #[error($text)]
                $name = $number,
            )*
        }

        /// The names alone, as in C, where they are numbers: see `c_names.rs`.
        pub(crate) mod bare {
            use crate::c_names::NoErrno;

            $(
                #[doc(hidden)]
                #[deprecated(note = "errnos stand in `Errno`: write `Errno::` before it, and no minus")]
                pub const $name: NoErrno = NoErrno;
            )*
        }

        impl Errno {
            /// Every errno, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The errno with this positive number, or `None` if Linux has none such.
            #[must_use]
            pub const fn from_raw(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

impl Errno {
    /// Another name of [`EAGAIN`](Self::EAGAIN).
    pub const EWOULDBLOCK: Self = Self::EAGAIN;
    /// Another name of [`EDEADLK`](Self::EDEADLK).
    pub const EDEADLOCK: Self = Self::EDEADLK;

    /// The positive number, as user space sees it in `errno`. The kernel's functions return it negated.
    #[must_use]
    pub const fn to_raw(self) -> i32 {
        self as i32
    }
}

/// What a fault can fail with: an [`Errno`], or what is one of its `From`s, as [`InsertPagesError`] is.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};
///
/// /// An error of the driver's own, which says what errno it is.
/// enum Failure {
///     Absent,
///     Broken,
/// }
///
/// impl From<Failure> for Errno {
///     fn from(failure: Failure) -> Self {
///         match failure {
///             Failure::Absent => Self::ENXIO,
///             Failure::Broken => Self::EIO,
///         }
///     }
/// }
///
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, found: Result<P::Page, Failure>) -> VmFault<'f> {
///     match found {
///         Ok(page) => ctx.insert_page(&page),
///         Err(failure) => ctx.fail(failure),
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an errno, nor can one be made of it",
    label = "not an errno",
    note = "name it: `ctx.fail(Errno::ENXIO)`",
    note = "of a number that a function of the kernel's has returned, negated: `Errno::try_from(result.wrapping_neg())`",
    note = "of an error type of the driver's own: `impl From<ItsError> for Errno`",
    note = "of a `Result`: `match` it, and fail with what is in its `Err`"
)]
pub trait IntoErrno {
    #[doc(hidden)]
    fn into_errno(self) -> Errno;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Errno>> IntoErrno for E {
    fn into_errno(self) -> Errno {
        self.into()
    }
}

/// The same as [`Errno::from_raw`], with an error that says what was wrong.
///
/// The kernel's own functions return the number negated. Negate it without a minus, which overflows for the least
/// number there is:
///
/// ```
/// use vmctx::{Errno, NotAnErrno};
///
/// let errno_of = |result: i32| Errno::try_from(result.wrapping_neg());
/// assert_eq!(errno_of(-5), Ok(Errno::EIO));
/// assert_eq!(errno_of(i32::MIN), Err(NotAnErrno(i32::MIN)));
/// ```
impl TryFrom<i32> for Errno {
    type Error = NotAnErrno;

    fn try_from(number: i32) -> Result<Self, NotAnErrno> {
        Self::from_raw(number).ok_or(NotAnErrno(number))
    }
}

/// A number that is none of Linux's errnos, which are positive and begin with 1. From [`Errno::try_from`].
///
/// ```
/// use vmctx::{Errno, NotAnErrno};
///
/// assert_eq!(Errno::try_from(0), Err(NotAnErrno(0)));
/// assert_eq!(NotAnErrno(0).to_string(), "0 is the number of no errno");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is the number of no errno")]
pub struct NotAnErrno(pub i32);

/// [`MmapCtx::insert_pages`](crate::MmapCtx::insert_pages) or
/// [`EstablishedCtx::insert_pages`](crate::EstablishedCtx::insert_pages) stopped in the middle. None of the pages behind
/// the one that could not be inserted was tried.
///
/// ```
/// use vmctx::{Errno, InsertPagesError, Mapped, Mixed, MmapCtx, Platform};
///
/// /// Says how far it came, and fails as the insertion did.
/// fn fill<'m, P: Platform>(
///     ctx: MmapCtx<'m, P>,
///     pages: &[P::Page],
///     log: impl Fn(InsertPagesError),
/// ) -> Result<Mapped<'m>, Errno> {
///     ctx.without_faults::<Mixed>()?.insert_pages(pages).inspect_err(|stopped| log(*stopped))?.finish()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{errno} (after {inserted} pages)")]
pub struct InsertPagesError {
    /// Why the next page could not be inserted.
    pub errno: Errno,
    /// How many pages are in. In an established mapping they stay; at mmap they do until the hook fails, which takes
    /// them away.
    pub inserted: PageCount,
    /// How many slots were passed over, because they were filled already. Only in an established mapping; at mmap it is
    /// zero. With `inserted` it makes the index of the page that could not be inserted.
    pub already_present: PageCount,
}

impl From<InsertPagesError> for Errno {
    fn from(error: InsertPagesError) -> Self {
        error.errno
    }
}

errno_table! {
    EPERM = 1, "EPERM: operation not permitted";
    ENOENT = 2, "ENOENT: no such file or directory";
    ESRCH = 3, "ESRCH: no such process";
    EINTR = 4, "EINTR: interrupted system call";
    EIO = 5, "EIO: input/output error";
    ENXIO = 6, "ENXIO: no such device or address";
    E2BIG = 7, "E2BIG: argument list too long";
    ENOEXEC = 8, "ENOEXEC: exec format error";
    EBADF = 9, "EBADF: bad file descriptor";
    ECHILD = 10, "ECHILD: no child processes";
    EAGAIN = 11, "EAGAIN: try again";
    ENOMEM = 12, "ENOMEM: out of memory";
    EACCES = 13, "EACCES: permission denied";
    EFAULT = 14, "EFAULT: bad address";
    ENOTBLK = 15, "ENOTBLK: block device required";
    EBUSY = 16, "EBUSY: device or resource busy";
    EEXIST = 17, "EEXIST: file exists";
    EXDEV = 18, "EXDEV: invalid cross-device link";
    ENODEV = 19, "ENODEV: no such device";
    ENOTDIR = 20, "ENOTDIR: not a directory";
    EISDIR = 21, "EISDIR: is a directory";
    EINVAL = 22, "EINVAL: invalid argument";
    ENFILE = 23, "ENFILE: file table overflow";
    EMFILE = 24, "EMFILE: too many open files";
    ENOTTY = 25, "ENOTTY: inappropriate ioctl for device";
    ETXTBSY = 26, "ETXTBSY: text file busy";
    EFBIG = 27, "EFBIG: file too large";
    ENOSPC = 28, "ENOSPC: no space left on device";
    ESPIPE = 29, "ESPIPE: illegal seek";
    EROFS = 30, "EROFS: read-only file system";
    EMLINK = 31, "EMLINK: too many links";
    EPIPE = 32, "EPIPE: broken pipe";
    EDOM = 33, "EDOM: argument out of the domain of the function";
    ERANGE = 34, "ERANGE: result not representable";
    EDEADLK = 35, "EDEADLK: resource deadlock would occur";
    ENAMETOOLONG = 36, "ENAMETOOLONG: file name too long";
    ENOLCK = 37, "ENOLCK: no record locks available";
    ENOSYS = 38, "ENOSYS: function not implemented";
    ENOTEMPTY = 39, "ENOTEMPTY: directory not empty";
    ELOOP = 40, "ELOOP: too many symbolic links encountered";
    ENOMSG = 42, "ENOMSG: no message of desired type";
    EIDRM = 43, "EIDRM: identifier removed";
    ECHRNG = 44, "ECHRNG: channel number out of range";
    EL2NSYNC = 45, "EL2NSYNC: level 2 not synchronized";
    EL3HLT = 46, "EL3HLT: level 3 halted";
    EL3RST = 47, "EL3RST: level 3 reset";
    ELNRNG = 48, "ELNRNG: link number out of range";
    EUNATCH = 49, "EUNATCH: protocol driver not attached";
    ENOCSI = 50, "ENOCSI: no CSI structure available";
    EL2HLT = 51, "EL2HLT: level 2 halted";
    EBADE = 52, "EBADE: invalid exchange";
    EBADR = 53, "EBADR: invalid request descriptor";
    EXFULL = 54, "EXFULL: exchange full";
    ENOANO = 55, "ENOANO: no anode";
    EBADRQC = 56, "EBADRQC: invalid request code";
    EBADSLT = 57, "EBADSLT: invalid slot";
    EBFONT = 59, "EBFONT: bad font file format";
    ENOSTR = 60, "ENOSTR: device not a stream";
    ENODATA = 61, "ENODATA: no data available";
    ETIME = 62, "ETIME: timer expired";
    ENOSR = 63, "ENOSR: out of streams resources";
    ENONET = 64, "ENONET: machine is not on the network";
    ENOPKG = 65, "ENOPKG: package not installed";
    EREMOTE = 66, "EREMOTE: object is remote";
    ENOLINK = 67, "ENOLINK: link has been severed";
    EADV = 68, "EADV: advertise error";
    ESRMNT = 69, "ESRMNT: srmount error";
    ECOMM = 70, "ECOMM: communication error on send";
    EPROTO = 71, "EPROTO: protocol error";
    EMULTIHOP = 72, "EMULTIHOP: multihop attempted";
    EDOTDOT = 73, "EDOTDOT: RFS specific error";
    EBADMSG = 74, "EBADMSG: not a data message";
    EOVERFLOW = 75, "EOVERFLOW: value too large for defined data type";
    ENOTUNIQ = 76, "ENOTUNIQ: name not unique on network";
    EBADFD = 77, "EBADFD: file descriptor in bad state";
    EREMCHG = 78, "EREMCHG: remote address changed";
    ELIBACC = 79, "ELIBACC: can not access a needed shared library";
    ELIBBAD = 80, "ELIBBAD: accessing a corrupted shared library";
    ELIBSCN = 81, "ELIBSCN: .lib section in a.out corrupted";
    ELIBMAX = 82, "ELIBMAX: too many shared libraries to link in";
    ELIBEXEC = 83, "ELIBEXEC: cannot execute a shared library directly";
    EILSEQ = 84, "EILSEQ: illegal byte sequence";
    ERESTART = 85, "ERESTART: interrupted system call should be restarted";
    ESTRPIPE = 86, "ESTRPIPE: streams pipe error";
    EUSERS = 87, "EUSERS: too many users";
    ENOTSOCK = 88, "ENOTSOCK: socket operation on non-socket";
    EDESTADDRREQ = 89, "EDESTADDRREQ: destination address required";
    EMSGSIZE = 90, "EMSGSIZE: message too long";
    EPROTOTYPE = 91, "EPROTOTYPE: protocol wrong type for socket";
    ENOPROTOOPT = 92, "ENOPROTOOPT: protocol not available";
    EPROTONOSUPPORT = 93, "EPROTONOSUPPORT: protocol not supported";
    ESOCKTNOSUPPORT = 94, "ESOCKTNOSUPPORT: socket type not supported";
    EOPNOTSUPP = 95, "EOPNOTSUPP: operation not supported on transport endpoint";
    EPFNOSUPPORT = 96, "EPFNOSUPPORT: protocol family not supported";
    EAFNOSUPPORT = 97, "EAFNOSUPPORT: address family not supported by protocol";
    EADDRINUSE = 98, "EADDRINUSE: address already in use";
    EADDRNOTAVAIL = 99, "EADDRNOTAVAIL: cannot assign requested address";
    ENETDOWN = 100, "ENETDOWN: network is down";
    ENETUNREACH = 101, "ENETUNREACH: network is unreachable";
    ENETRESET = 102, "ENETRESET: network dropped connection because of reset";
    ECONNABORTED = 103, "ECONNABORTED: software caused connection abort";
    ECONNRESET = 104, "ECONNRESET: connection reset by peer";
    ENOBUFS = 105, "ENOBUFS: no buffer space available";
    EISCONN = 106, "EISCONN: transport endpoint is already connected";
    ENOTCONN = 107, "ENOTCONN: transport endpoint is not connected";
    ESHUTDOWN = 108, "ESHUTDOWN: cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, "ETOOMANYREFS: too many references: cannot splice";
    ETIMEDOUT = 110, "ETIMEDOUT: connection timed out";
    ECONNREFUSED = 111, "ECONNREFUSED: connection refused";
    EHOSTDOWN = 112, "EHOSTDOWN: host is down";
    EHOSTUNREACH = 113, "EHOSTUNREACH: no route to host";
    EALREADY = 114, "EALREADY: operation already in progress";
    EINPROGRESS = 115, "EINPROGRESS: operation now in progress";
    ESTALE = 116, "ESTALE: stale file handle";
    EUCLEAN = 117, "EUCLEAN: structure needs cleaning";
    ENOTNAM = 118, "ENOTNAM: not a XENIX named type file";
    ENAVAIL = 119, "ENAVAIL: no XENIX semaphores available";
    EISNAM = 120, "EISNAM: is a named type file";
    EREMOTEIO = 121, "EREMOTEIO: remote I/O error";
    EDQUOT = 122, "EDQUOT: quota exceeded";
    ENOMEDIUM = 123, "ENOMEDIUM: no medium found";
    EMEDIUMTYPE = 124, "EMEDIUMTYPE: wrong medium type";
    ECANCELED = 125, "ECANCELED: operation canceled";
    ENOKEY = 126, "ENOKEY: required key not available";
    EKEYEXPIRED = 127, "EKEYEXPIRED: key has expired";
    EKEYREVOKED = 128, "EKEYREVOKED: key has been revoked";
    EKEYREJECTED = 129, "EKEYREJECTED: key was rejected by service";
    EOWNERDEAD = 130, "EOWNERDEAD: owner of the lock died";
    ENOTRECOVERABLE = 131, "ENOTRECOVERABLE: state not recoverable";
    ERFKILL = 132, "ERFKILL: operation not possible due to RF-kill";
    EHWPOISON = 133, "EHWPOISON: memory page has a hardware error";
    ERESTARTSYS = 512, "ERESTARTSYS: restart the system call after the signal";
    ERESTARTNOINTR = 513, "ERESTARTNOINTR: restart the system call always";
    ERESTARTNOHAND = 514, "ERESTARTNOHAND: restart the system call if no handler ran";
    ENOIOCTLCMD = 515, "ENOIOCTLCMD: no ioctl command";
    ERESTART_RESTARTBLOCK = 516, "ERESTART_RESTARTBLOCK: restart the system call through its restart block";
    EPROBE_DEFER = 517, "EPROBE_DEFER: driver asks to be probed again later";
    EOPENSTALE = 518, "EOPENSTALE: open found a stale dentry";
    ENOPARAM = 519, "ENOPARAM: parameter not supported";
    EBADHANDLE = 521, "EBADHANDLE: illegal NFS file handle";
    ENOTSYNC = 522, "ENOTSYNC: update synchronization mismatch";
    EBADCOOKIE = 523, "EBADCOOKIE: cookie is stale";
    ENOTSUPP = 524, "ENOTSUPP: operation is not supported";
    ETOOSMALL = 525, "ETOOSMALL: buffer or request is too small";
    ESERVERFAULT = 526, "ESERVERFAULT: an untranslatable error occurred";
    EBADTYPE = 527, "EBADTYPE: type not supported by server";
    EJUKEBOX = 528, "EJUKEBOX: request begun, but it will not complete before the timeout";
    EIOCBQUEUED = 529, "EIOCBQUEUED: request queued, its completion will be an event";
    ERECALLCONFLICT = 530, "ERECALLCONFLICT: conflict with recalled state";
    ENOGRACE = 531, "ENOGRACE: NFS file lock reclaim refused";
}
