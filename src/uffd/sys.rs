//! System calls: mappings, memory objects, descriptors.

use std::{
    io,
    ops::Range,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

/// Bytes in a page. Other sizes are refused when a session is opened.
pub(super) const PAGE_SIZE: usize = 4096;
pub(super) const PAGE_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// The addresses of the page that an address lies in.
#[inline]
pub(super) fn page_of(address: usize) -> Range<usize> {
    let start = address & !(PAGE_SIZE - 1);
    start..start + PAGE_SIZE
}

/// An error number of the kernel's, as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawErrno(pub(super) i32);

impl RawErrno {
    pub(super) fn last() -> Self {
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }
}

/// The descriptor that a system call has given.
pub(super) fn owned(fd: libc::c_long) -> Result<OwnedFd, RawErrno> {
    match libc::c_int::try_from(fd) {
        // SAFETY: the kernel has just given it, to nobody else.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(RawErrno::last()),
    }
}

/// A descriptor that [`signal`] makes readable.
pub(super) fn event_fd() -> Result<OwnedFd, RawErrno> {
    // SAFETY: numbers.
    owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }.into())
}

/// Makes an [`event_fd`] readable, for good.
pub(super) fn signal(event: &OwnedFd) {
    let one = 1_u64;
    // SAFETY: eight bytes of ours. It fails where it is readable already.
    unsafe { libc::write(event.as_raw_fd(), (&raw const one).cast(), size_of_val(&one)) };
}

/// Waits until one of two descriptors is readable, or at its end; whether it is the second.
pub(super) fn poll_two(first: &OwnedFd, second: &OwnedFd) -> Result<bool, RawErrno> {
    let mut fds = [first, second].map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    // SAFETY: two structures of ours.
    if unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) } < 0 {
        return Err(RawErrno::last());
    }
    Ok(fds.last().is_some_and(|second| second.revents != 0))
}

/// `O_NONBLOCK`, without which a userfaultfd cannot be polled.
pub(super) fn set_nonblocking(fd: &OwnedFd) -> Result<(), RawErrno> {
    // SAFETY: numbers.
    let done = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    if done < 0 { Err(RawErrno::last()) } else { Ok(()) }
}

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

/// Moves a mapping to `to`, where something of its size is mapped, which goes: all at once, as far as any access can
/// see. Whoever reads the userfaultfd that it is registered with has to read that before this returns.
///
/// # Safety
/// Both ranges are this platform's, and nobody uses the first.
pub(super) unsafe fn move_to(from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: by this function's contract.
    let found = unsafe { libc::mremap(from.start as *mut _, from.len(), from.len(), flags, to) };
    if found == libc::MAP_FAILED { Err(RawErrno::last()) } else { Ok(()) }
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
