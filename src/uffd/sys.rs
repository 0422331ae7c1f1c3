//! What the kernel is asked for: `libc`'s calls, and the requests of userfaultfd that it lacks.
//!
//! Structures and numbers are those of `include/uapi/linux/userfaultfd.h`. Each size is asserted, and the request
//! numbers are computed from it, as the header's macros do.

use std::{
    ffi::CStr,
    io,
    mem::{MaybeUninit, offset_of},
    ops::Range,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

use super::error::{Attempt, OpenError};

/// Bytes in a page. Other sizes are refused when a session is opened.
pub(super) const PAGE_SIZE: usize = 4096;
pub(super) const PAGE_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// An error number of the kernel's, as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawErrno(pub(super) i32);

impl RawErrno {
    fn last() -> Self {
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }
}

// ---- userfaultfd -----------------------------------------------------------------------------------------------------

const API: u64 = 0xaa;
const USER_MODE_ONLY: libc::c_int = 1;

/// `UFFD_FEATURE_*`: those that this platform needs.
pub(super) const FEATURES: [(u64, &str, &str); 5] = [
    (1 << 5, "MISSING_SHMEM", "4.11"),
    (1 << 10, "MINOR_SHMEM", "5.14"),
    (1 << 11, "EXACT_ADDRESS", "5.18"),
    (1 << 12, "WP_HUGETLBFS_SHMEM", "5.19"),
    (1 << 14, "POISON", "6.6"),
];

const MODE_MISSING: u64 = 1;
const MODE_WP: u64 = 1 << 1;
const MODE_MINOR: u64 = 1 << 2;
/// `UFFDIO_CONTINUE_MODE_WP`
const CONTINUE_WP: u64 = 1 << 1;
/// `UFFDIO_WRITEPROTECT_MODE_WP`
const PROTECT_WP: u64 = 1;
/// `UFFDIO_WRITEPROTECT_MODE_DONTWAKE`
const PROTECT_DONTWAKE: u64 = 1 << 1;

const EVENT_PAGEFAULT: u8 = 0x12;
const FAULT_WRITE: u64 = 1;
const FAULT_WP: u64 = 1 << 1;

#[repr(C)]
struct UffdioApi {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct UffdioRange {
    start: u64,
    len: u64,
}

#[repr(C)]
struct UffdioRegister {
    range: UffdioRange,
    mode: u64,
    ioctls: u64,
}

/// `uffdio_zeropage`, `uffdio_continue` and `uffdio_poison` have one layout.
#[repr(C)]
struct UffdioFill {
    range: UffdioRange,
    mode: u64,
    done: i64,
}

#[repr(C)]
struct UffdioWriteprotect {
    range: UffdioRange,
    mode: u64,
}

/// `struct uffd_msg` of a page fault.
#[repr(C)]
#[derive(Clone, Copy)]
struct UffdMsg {
    event: u8,
    reserved1: u8,
    reserved2: u16,
    reserved3: u32,
    flags: u64,
    address: u64,
    thread: u64,
}

const _: () = assert!(size_of::<UffdioApi>() == 24);
const _: () = assert!(size_of::<UffdioRange>() == 16);
const _: () = assert!(size_of::<UffdioRegister>() == 32);
const _: () = assert!(size_of::<UffdioFill>() == 32 && offset_of!(UffdioFill, done) == 24);
const _: () = assert!(size_of::<UffdioWriteprotect>() == 24);
const _: () = assert!(size_of::<UffdMsg>() == 32 && offset_of!(UffdMsg, address) == 16);

/// `_IOC` of `include/uapi/asm-generic/ioctl.h`, for userfaultfd's requests; `_IOR` is 2, `_IOWR` is 3.
const fn request<T>(direction: u64, number: u64) -> u64 {
    direction << 30 | (size_of::<T>() as u64) << 16 | API << 8 | number
}

const UFFDIO_API: u64 = request::<UffdioApi>(3, 0x3f);
const UFFDIO_REGISTER: u64 = request::<UffdioRegister>(3, 0x00);
const UFFDIO_WAKE: u64 = request::<UffdioRange>(2, 0x02);
const UFFDIO_ZEROPAGE: u64 = request::<UffdioFill>(3, 0x04);
const UFFDIO_WRITEPROTECT: u64 = request::<UffdioWriteprotect>(3, 0x06);
const UFFDIO_CONTINUE: u64 = request::<UffdioFill>(3, 0x07);
const UFFDIO_POISON: u64 = request::<UffdioFill>(3, 0x08);
/// `USERFAULTFD_IOC_NEW` of `/dev/userfaultfd`: `_IO`.
const USERFAULTFD_IOC_NEW: u64 = API << 8;

const _: () = assert!(UFFDIO_API == 0xc018_aa3f && UFFDIO_REGISTER == 0xc020_aa00 && UFFDIO_WAKE == 0x8010_aa02);
const _: () = assert!(UFFDIO_CONTINUE == 0xc020_aa07 && UFFDIO_POISON == 0xc020_aa08);
const _: () = assert!(UFFDIO_ZEROPAGE == 0xc020_aa04 && UFFDIO_WRITEPROTECT == 0xc018_aa06);

/// A page fault that waits to be served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// With all its bits.
    pub(super) address: usize,
    pub(super) write: bool,
    /// A store met a page that is write-protected. Else nothing was mapped.
    pub(super) protected: bool,
}

/// What a request did that works page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// Bytes, from the start, that are done.
    pub(super) done: usize,
    pub(super) result: Result<(), RawErrno>,
}

/// How many events are read in one go.
pub(super) const BATCH: usize = 16;

/// A userfaultfd, with the features of this platform switched on.
pub(super) struct Userfault {
    fd: OwnedFd,
    user_mode_only: bool,
}

impl Userfault {
    /// Opens one, by the first of the three ways that works. Features are looked at on another one before: each takes
    /// `UFFDIO_API` once only.
    pub(super) fn open() -> Result<Self, OpenError> {
        let (fd, _) = open_fd()?;
        let mut all = UffdioApi { api: API, features: 0, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&fd, UFFDIO_API, &mut all) }.map_err(|errno| OpenError::Refused(errno.into()))?;
        for (bit, name, since) in FEATURES {
            if all.features & bit == 0 {
                return Err(OpenError::MissingFeature { name, since });
            }
        }
        let (fd, user_mode_only) = open_fd()?;
        let features = FEATURES.iter().fold(0, |bits, (bit, ..)| bits | bit);
        let mut api = UffdioApi { api: API, features, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&fd, UFFDIO_API, &mut api) }.map_err(|errno| OpenError::Refused(errno.into()))?;
        Ok(Self { fd, user_mode_only })
    }

    /// Whether only user-mode accesses are served: system calls that meet an empty page fail with EFAULT.
    pub(super) fn is_user_mode_only(&self) -> bool {
        self.user_mode_only
    }

    /// Closes it, whoever has it: from now on every request fails. Another descriptor takes its number.
    pub(super) fn close(&self, other: &OwnedFd) {
        // SAFETY: descriptors of ours. Nobody reads any more.
        unsafe { libc::dup3(other.as_raw_fd(), self.fd.as_raw_fd(), libc::O_CLOEXEC) };
    }

    /// From now on faults of this memory come here.
    pub(super) fn register(&self, range: &Range<usize>, told_of_stores: bool) -> Result<(), RawErrno> {
        let mode = MODE_MISSING | MODE_MINOR | if told_of_stores { MODE_WP } else { 0 };
        let mut register = UffdioRegister { range: raw(range), mode, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&self.fd, UFFDIO_REGISTER, &mut register) }
    }

    /// The same for memory that is anonymous.
    pub(super) fn register_anonymous(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        let mut register = UffdioRegister { range: raw(range), mode: MODE_MISSING, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&self.fd, UFFDIO_REGISTER, &mut register) }
    }

    /// Maps pages that the memory object has. Wakes who waits for them.
    pub(super) fn map_existing(&self, range: &Range<usize>, protected: bool) -> Filled {
        self.fill(UFFDIO_CONTINUE, range, if protected { CONTINUE_WP } else { 0 })
    }

    /// Maps the kernel's zero page, or a zeroed page in anonymous memory. Wakes who waits.
    pub(super) fn map_zero(&self, range: &Range<usize>) -> Filled {
        self.fill(UFFDIO_ZEROPAGE, range, 0)
    }

    /// Makes every access a SIGBUS where nothing is mapped. Wakes who waits.
    pub(super) fn poison(&self, range: &Range<usize>) -> Filled {
        self.fill(UFFDIO_POISON, range, 0)
    }

    fn fill(&self, request: u64, range: &Range<usize>, mode: u64) -> Filled {
        let mut fill = UffdioFill { range: raw(range), mode, done: 0 };
        // SAFETY: the structure is the request's.
        let result = unsafe { ioctl(&self.fd, request, &mut fill) };
        // On a failure with nothing done the kernel writes the error number, or on older ones nothing.
        Filled { done: usize::try_from(fill.done).unwrap_or(0).min(range.len()), result }
    }

    /// Write-protects what is mapped, or takes the protection away. The latter wakes who waits, if `wake`.
    pub(super) fn write_protect(&self, range: &Range<usize>, protect: bool, wake: bool) -> Result<(), RawErrno> {
        let mode = match (protect, wake) {
            (true, _) => PROTECT_WP,
            (false, true) => 0,
            (false, false) => PROTECT_DONTWAKE,
        };
        let mut protect = UffdioWriteprotect { range: raw(range), mode };
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&self.fd, UFFDIO_WRITEPROTECT, &mut protect) }
    }

    /// Has whoever waits there repeat the access.
    pub(super) fn wake(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        let mut range = raw(range);
        // SAFETY: the structure is the request's.
        unsafe { ioctl(&self.fd, UFFDIO_WAKE, &mut range) }
    }

    /// Sleeps until there are faults, and takes as many as there is room for.
    pub(super) fn read(&self, events: &mut [Event]) -> Result<usize, RawErrno> {
        let mut raw = [const { MaybeUninit::<UffdMsg>::uninit() }; BATCH];
        let room = events.len().min(BATCH) * size_of::<UffdMsg>();
        // SAFETY: the buffer is ours, and at least of that length.
        let bytes = unsafe { libc::read(self.fd.as_raw_fd(), raw.as_mut_ptr().cast(), room) };
        let bytes = usize::try_from(bytes).map_err(|_| RawErrno::last())?;
        let mut count = 0;
        for (msg, event) in raw.iter().take(bytes / size_of::<UffdMsg>()).zip(events.iter_mut()) {
            // SAFETY: the kernel has written so many; any bytes are a `UffdMsg`.
            let msg = unsafe { msg.assume_init() };
            // Others were not asked for.
            if msg.event == EVENT_PAGEFAULT {
                *event = Event {
                    address: usize::try_from(msg.address).unwrap_or(0),
                    write: msg.flags & FAULT_WRITE != 0,
                    protected: msg.flags & FAULT_WP != 0,
                };
                count += 1;
            }
        }
        Ok(count)
    }
}

fn raw(range: &Range<usize>) -> UffdioRange {
    UffdioRange { start: range.start as u64, len: range.len() as u64 }
}

/// The three ways, in order. Also says whether it is for user-mode faults only.
fn open_fd() -> Result<(OwnedFd, bool), OpenError> {
    let device = open_device();
    let device = match device {
        Ok(fd) => return Ok((fd, false)),
        Err(errno) => errno,
    };
    let call = |flags: libc::c_int| {
        // SAFETY: the call takes flags, and gives a new descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | flags) };
        owned(fd)
    };
    let any = match call(0) {
        Ok(fd) => return Ok((fd, false)),
        Err(errno) => errno,
    };
    match call(USER_MODE_ONLY) {
        Ok(fd) => Ok((fd, true)),
        Err(user) => Err(OpenError::NoUserfaultfd(Attempt {
            device: device.into(),
            privileged: any.into(),
            user_mode_only: user.into(),
        })),
    }
}

fn open_device() -> Result<OwnedFd, RawErrno> {
    const DEVICE: &CStr = c"/dev/userfaultfd";
    // SAFETY: the path ends in a zero.
    let device = owned(unsafe { libc::open(DEVICE.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }.into())?;
    // SAFETY: the request takes flags, and gives a new descriptor.
    owned(unsafe { libc::ioctl(device.as_raw_fd(), USERFAULTFD_IOC_NEW as _, libc::O_CLOEXEC) }.into())
}

fn owned(fd: libc::c_long) -> Result<OwnedFd, RawErrno> {
    match libc::c_int::try_from(fd) {
        // SAFETY: the kernel has just given it, to nobody else.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(RawErrno::last()),
    }
}

/// # Safety
/// `argument` is what the request takes.
unsafe fn ioctl<T>(fd: &OwnedFd, request: u64, argument: &mut T) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract; the kernel keeps no pointer.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, ptr::from_mut(argument)) };
    if result == 0 { Ok(()) } else { Err(RawErrno::last()) }
}

// ---- Memory ----------------------------------------------------------------------------------------------------------

/// A memory object of this many bytes, all of them holes.
pub(super) fn memfd(bytes: u64) -> Result<OwnedFd, RawErrno> {
    // SAFETY: the name ends in a zero.
    let fd = owned(unsafe { libc::memfd_create(c"vmctx".as_ptr(), libc::MFD_CLOEXEC) }.into())?;
    let bytes = libc::off_t::try_from(bytes).map_err(|_| RawErrno(libc::EFBIG))?;
    // SAFETY: a number, and a descriptor of ours.
    if unsafe { libc::ftruncate(fd.as_raw_fd(), bytes) } == 0 { Ok(fd) } else { Err(RawErrno::last()) }
}

/// Gives these bytes of a memory object pages of their own, of zeros.
pub(super) fn allocate(fd: &OwnedFd, range: &Range<u64>) -> Result<(), RawErrno> {
    let offset = |at| libc::off_t::try_from(at).map_err(|_| RawErrno(libc::EFBIG));
    let (start, len) = (offset(range.start)?, offset(range.end - range.start)?);
    loop {
        // SAFETY: numbers, and a descriptor of ours.
        if unsafe { libc::fallocate(fd.as_raw_fd(), 0, start, len) } == 0 {
            return Ok(());
        }
        match RawErrno::last() {
            RawErrno(libc::EINTR) => {}
            errno => return Err(errno),
        }
    }
}

/// What a mapping shows, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) fd: &'a OwnedFd,
    /// In bytes from the object's start.
    pub(super) offset: u64,
    pub(super) shared: bool,
    /// `PROT_*`
    pub(super) prot: libc::c_int,
}

/// Maps a memory object wherever there is room.
pub(super) fn map(bytes: usize, view: View<'_>) -> Result<usize, RawErrno> {
    // SAFETY: without `MAP_FIXED` nothing that is mapped is touched.
    unsafe { mmap(0, bytes, 0, Some(view)) }
}

/// Reserves addresses, where an access is a SIGSEGV; there and nowhere else if there is an address.
pub(super) fn reserve(bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
    let fixed = if at.is_some() { libc::MAP_FIXED_NOREPLACE } else { 0 };
    // SAFETY: nothing that is mapped is touched.
    unsafe { mmap(at.unwrap_or(0), bytes, fixed, None) }
}

/// Replaces what is mapped at `range` by this view of a memory object.
///
/// # Safety
/// The range is this platform's: reserved or mapped by it.
pub(super) unsafe fn replace(range: &Range<usize>, view: View<'_>) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract.
    unsafe { mmap(range.start, range.len(), libc::MAP_FIXED, Some(view)) }?;
    // Without this a child would have the mapping, and nobody to serve it.
    // SAFETY: advice about memory of this platform's.
    unsafe { advise(range, libc::MADV_DONTFORK) }
}

/// Replaces what is mapped at `range` by addresses where an access is a SIGSEGV.
///
/// # Safety
/// As [`replace`].
pub(super) unsafe fn bury(range: &Range<usize>) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract.
    unsafe { mmap(range.start, range.len(), libc::MAP_FIXED, None) }.map(drop)
}

/// # Safety
/// With `MAP_FIXED` the range is this platform's.
unsafe fn mmap(at: usize, bytes: usize, flags: libc::c_int, view: Option<View<'_>>) -> Result<usize, RawErrno> {
    let (prot, kind, fd, offset) = match view {
        Some(view) => {
            let sharing = if view.shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
            let offset = libc::off_t::try_from(view.offset).map_err(|_| RawErrno(libc::EOVERFLOW))?;
            (view.prot, sharing, view.fd.as_raw_fd(), offset)
        }
        None => (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
    };
    // SAFETY: by this function's contract.
    let found = unsafe { libc::mmap(at as *mut _, bytes, prot, flags | kind | libc::MAP_NORESERVE, fd, offset) };
    if found == libc::MAP_FAILED { Err(RawErrno::last()) } else { Ok(found as usize) }
}

/// A page of anonymous memory, readable.
pub(super) fn anonymous_page() -> Result<usize, RawErrno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: nothing that is mapped is touched.
    let found = unsafe { libc::mmap(ptr::null_mut(), PAGE_SIZE, libc::PROT_READ, flags, -1, 0) };
    if found == libc::MAP_FAILED { Err(RawErrno::last()) } else { Ok(found as usize) }
}

/// # Safety
/// The range is this platform's, and nobody uses it any more.
pub(super) unsafe fn unmap(range: &Range<usize>) {
    // SAFETY: by this function's contract. Of a range that was mapped it can fail only for want of memory to cut a
    // mapping in two: then it stays, and is reserved for ever.
    unsafe { libc::munmap(range.start as *mut _, range.len()) };
}

/// # Safety
/// The range is this platform's.
pub(super) unsafe fn protect(range: &Range<usize>, prot: libc::c_int) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract.
    let result = unsafe { libc::mprotect(range.start as *mut _, range.len(), prot) };
    if result == 0 { Ok(()) } else { Err(RawErrno::last()) }
}

/// Takes away what is mapped; the next access is a fault. Also forgets poison.
///
/// # Safety
/// The range is this platform's.
pub(super) unsafe fn zap(range: &Range<usize>) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract.
    unsafe { advise(range, libc::MADV_DONTNEED) }
}

/// # Safety
/// The range is this platform's, and what the advice does to it is meant.
pub(super) unsafe fn advise(range: &Range<usize>, advice: libc::c_int) -> Result<(), RawErrno> {
    loop {
        // SAFETY: by this function's contract.
        if unsafe { libc::madvise(range.start as *mut _, range.len(), advice) } == 0 {
            return Ok(());
        }
        match RawErrno::last() {
            RawErrno(libc::EAGAIN | libc::EINTR) => {}
            errno => return Err(errno),
        }
    }
}

/// The size of this kernel's pages.
pub(super) fn page_size() -> usize {
    // SAFETY: a question.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(0)
}

/// Which pages of a range are the process's own copies, by `/proc/self/pagemap`.
pub(super) fn private_copies(range: &Range<usize>) -> io::Result<Vec<bool>> {
    use std::os::unix::fs::FileExt;
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const FILE: u64 = 1 << 61;
    let mut bytes = vec![0; range.len() / PAGE_SIZE * size_of::<u64>()];
    let at = (range.start / PAGE_SIZE * size_of::<u64>()) as u64;
    std::fs::File::open("/proc/self/pagemap")?.read_exact_at(&mut bytes, at)?;
    let own = |entry: &[u8]| {
        let entry = entry.try_into().map_or(0, u64::from_ne_bytes);
        entry & (PRESENT | SWAPPED) != 0 && entry & FILE == 0
    };
    Ok(bytes.chunks_exact(size_of::<u64>()).map(own).collect())
}
