//! System calls: mappings, memory objects, descriptors.

use std::{
    ffi::c_void,
    io,
    ops::Range,
    os::fd::{AsFd, OwnedFd},
    ptr,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags},
    fs::{FallocateFlags, MemfdFlags, OFlags},
    io::{Result, retry_on_intr},
    mm::{Advice, MapFlags, MprotectFlags, MremapFlags},
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
pub(super) use rustix::io::Errno as RawErrno;
pub(super) use rustix::mm::ProtFlags;

/// The number of an error of the standard library's.
pub(super) fn raw(error: &io::Error) -> RawErrno {
    RawErrno::from_io_error(error).unwrap_or(RawErrno::IO)
}

/// A descriptor that [`signal`] makes readable.
pub(super) fn event_fd() -> Result<OwnedFd> {
    rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
}

/// Makes an [`event_fd`] readable, for good.
pub(super) fn signal(event: &OwnedFd) {
    // It fails where it is readable already.
    let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
}

/// Waits until one of two descriptors is readable, or at its end; whether it is the second.
pub(super) fn poll_two(first: &OwnedFd, second: &OwnedFd) -> Result<bool> {
    let mut fds = [first, second].map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
    rustix::event::poll(&mut fds, None)?;
    let [_, second] = fds;
    Ok(!second.revents().is_empty())
}

/// `O_NONBLOCK`, without which a userfaultfd cannot be polled.
pub(super) fn set_nonblocking(fd: &OwnedFd) -> Result<()> {
    rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK)
}

/// A memory object of this many bytes, all of them holes.
pub(super) fn memfd(bytes: u64) -> Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("vmctx", MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&fd, bytes)?;
    Ok(fd)
}

/// Gives these bytes of a memory object pages of their own, of zeros.
pub(super) fn allocate(fd: &OwnedFd, range: &Range<u64>) -> Result<()> {
    retry_on_intr(|| rustix::fs::fallocate(fd, FallocateFlags::empty(), range.start, range.end - range.start))
}

/// What a mapping shows, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) fd: &'a OwnedFd,
    /// In bytes from the object's start.
    pub(super) offset: u64,
    pub(super) shared: bool,
    pub(super) prot: ProtFlags,
}

/// Maps a memory object wherever there is room.
pub(super) fn map(bytes: usize, view: View<'_>) -> Result<usize> {
    // SAFETY: without `MAP_FIXED` nothing that is mapped is touched.
    unsafe { mmap(0, bytes, MapFlags::empty(), Some(view)) }
}

/// Reserves addresses, where an access is a SIGSEGV; there and nowhere else if there is an address.
pub(super) fn reserve(bytes: usize, at: Option<usize>) -> Result<usize> {
    let fixed = if at.is_some() { MapFlags::FIXED_NOREPLACE } else { MapFlags::empty() };
    // SAFETY: nothing that is mapped is touched.
    unsafe { mmap(at.unwrap_or(0), bytes, fixed, None) }
}

/// Replaces what is mapped at `range` by this view of a memory object.
///
/// # Safety
/// The range is this platform's: reserved or mapped by it.
pub(super) unsafe fn replace(range: &Range<usize>, view: View<'_>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { mmap(range.start, range.len(), MapFlags::FIXED, Some(view)) }?;
    // Without this a child would have the mapping, and nobody to serve it.
    // SAFETY: advice about memory of this platform's.
    unsafe { advise(range, Advice::LinuxDontFork) }
}

/// Replaces what is mapped at `range` by addresses where an access is a SIGSEGV.
///
/// # Safety
/// As [`replace`].
pub(super) unsafe fn bury(range: &Range<usize>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { mmap(range.start, range.len(), MapFlags::FIXED, None) }.map(drop)
}

/// # Safety
/// With `MAP_FIXED` the range is this platform's.
unsafe fn mmap(at: usize, bytes: usize, flags: MapFlags, view: Option<View<'_>>) -> Result<usize> {
    let (at, flags) = (pointer(at), flags | MapFlags::NORESERVE);
    // SAFETY: by this function's contract.
    let found = unsafe {
        match view {
            Some(View { fd, offset, shared, prot }) => {
                let sharing = if shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
                rustix::mm::mmap(at, bytes, prot, flags | sharing, fd, offset)
            }
            None => rustix::mm::mmap_anonymous(at, bytes, ProtFlags::empty(), flags | MapFlags::PRIVATE),
        }
    }?;
    Ok(found.expose_provenance())
}

/// A page of anonymous memory, readable.
pub(super) fn anonymous_page() -> Result<usize> {
    // SAFETY: nothing that is mapped is touched.
    let found = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), PAGE_SIZE, ProtFlags::READ, MapFlags::PRIVATE) }?;
    Ok(found.expose_provenance())
}

/// Moves a mapping to `to`, where something of its size is mapped, which goes: all at once, as far as any access can
/// see. Whoever reads the userfaultfd that it is registered with has to read that before this returns.
///
/// # Safety
/// Both ranges are this platform's, and nobody uses the first.
pub(super) unsafe fn move_to(from: &Range<usize>, to: usize) -> Result<()> {
    let (len, flags) = (from.len(), MremapFlags::MAYMOVE);
    // SAFETY: by this function's contract.
    unsafe { rustix::mm::mremap_fixed(pointer(from.start), len, len, flags, pointer(to)) }.map(drop)
}

/// # Safety
/// The range is this platform's, and nobody uses it any more.
pub(super) unsafe fn unmap(range: &Range<usize>) {
    // Of a range that was mapped it can fail only for want of memory to cut a mapping in two: then it stays, and is
    // reserved for ever.
    // SAFETY: by this function's contract.
    let _ = unsafe { rustix::mm::munmap(pointer(range.start), range.len()) };
}

/// # Safety
/// The range is this platform's.
pub(super) unsafe fn protect(range: &Range<usize>, prot: ProtFlags) -> Result<()> {
    let rights = MprotectFlags::from_bits_retain(prot.bits());
    // SAFETY: by this function's contract.
    unsafe { rustix::mm::mprotect(pointer(range.start), range.len(), rights) }
}

/// Takes away what is mapped; the next access is a fault. Also forgets poison.
///
/// # Safety
/// The range is this platform's.
pub(super) unsafe fn zap(range: &Range<usize>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { advise(range, Advice::LinuxDontNeed) }
}

/// # Safety
/// The range is this platform's, and what the advice does to it is meant.
unsafe fn advise(range: &Range<usize>, advice: Advice) -> Result<()> {
    loop {
        // SAFETY: by this function's contract.
        match unsafe { rustix::mm::madvise(pointer(range.start), range.len(), advice) } {
            Err(RawErrno::AGAIN | RawErrno::INTR) => {}
            advised => return advised,
        }
    }
}

fn pointer(address: usize) -> *mut c_void {
    ptr::with_exposed_provenance_mut(address)
}

/// The size of this kernel's pages.
pub(super) fn page_size() -> usize {
    rustix::param::page_size()
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
