//! System calls: mappings, memory objects, descriptors.

use std::{
    ffi::c_void,
    fs,
    io::{self, Read},
    ops::Range,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    ptr,
    sync::atomic::AtomicU64,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags},
    fs::{FallocateFlags, MemfdFlags, OFlags, SealFlags},
    io::{Result, retry_on_intr},
    mm::{Advice, MapFlags, MprotectFlags, MremapFlags},
};

use vmctx::platform::VmFlags;

use crate::error::RawErrno;

/// Bytes in a page. Other sizes are refused when a session is opened.
pub(crate) const PAGE_SIZE: usize = 4096;
pub(crate) const PAGE_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// The addresses of the page that an address lies in.
#[inline]
pub(crate) fn page_of(address: usize) -> Range<usize> {
    let start = address & !(PAGE_SIZE - 1);
    start..start + PAGE_SIZE
}

pub(crate) use rustix::mm::ProtFlags;

/// A descriptor that [`notify`] makes readable.
pub(crate) fn event_fd() -> Result<OwnedFd> {
    rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
}

/// Makes an [`event_fd`] readable. Nobody reads it, so it stays so.
pub(crate) fn notify(event: &OwnedFd) {
    // It fails only where it is readable already.
    let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
}

/// Waits until one of two descriptors is readable, or at its end. Whether the second is.
pub(crate) fn poll_two(first: &OwnedFd, second: &OwnedFd) -> Result<bool> {
    let mut fds = [first, second].map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
    rustix::event::poll(&mut fds, None)?;
    let [_, second] = fds;
    Ok(!second.revents().is_empty())
}

/// `O_NONBLOCK`, without which a userfaultfd cannot be polled.
pub(crate) fn set_nonblocking(fd: &OwnedFd) -> Result<()> {
    rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK)
}

/// A memory object of this many bytes, all of them holes. Nobody can change its size: where it were shorter, whoever has
/// it mapped would get a SIGBUS.
pub(crate) fn memfd(bytes: u64) -> Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("vmctx", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, bytes)?;
    rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(fd)
}

/// Bytes in a large page, and pages of the usual size in one.
pub(crate) const HUGE_SIZE: usize = 1 << 21;
pub(crate) const HUGE_PAGES: usize = HUGE_SIZE / PAGE_SIZE;

/// A memory object of this many large pages, all of which it has from the start.
pub(crate) fn huge_memfd(pages: u64) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
    let bytes = pages.checked_mul(HUGE_SIZE as u64).ok_or(RawErrno::NOMEM)?;
    let fd = rustix::fs::memfd_create("vmctx-huge", flags)?;
    rustix::fs::ftruncate(&fd, bytes)?;
    allocate(&fd, &(0..bytes))?;
    rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(fd)
}

/// How large a file may be that this process makes (`RLIMIT_FSIZE`).
pub(crate) fn file_size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it is filled in. It does not fail for a limit that there is.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    limit.rlim_cur
}

/// Gives these bytes of a memory object pages of their own, of zeros.
pub(crate) fn allocate(fd: &OwnedFd, range: &Range<u64>) -> Result<()> {
    retry_on_intr(|| rustix::fs::fallocate(fd, FallocateFlags::empty(), range.start, range.end - range.start))
}

/// Takes the memory of these bytes of a memory object away, and from whoever has them mapped.
pub(crate) fn punch_hole(fd: &OwnedFd, range: &Range<u64>) -> Result<()> {
    let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    retry_on_intr(|| rustix::fs::fallocate(fd, how, range.start, range.end - range.start))
}

/// Reads a file into memory, from a byte of the file on, until the memory or the file ends. How many bytes that were.
///
/// # Safety
/// The memory is mapped, and nobody has a reference to it.
pub(crate) unsafe fn read_at(file: BorrowedFd<'_>, into: &Range<usize>, offset: u64) -> Result<usize> {
    // SAFETY: by this function's contract.
    transfer(into, offset, |at, len, from| unsafe { libc::pread64(file.as_raw_fd(), pointer(at), len, from) })
}

/// Writes memory to a file, from a byte of the file on, until all of it is there or the file takes no more. How many bytes that
/// were.
///
/// # Safety
/// The memory is mapped.
pub(crate) unsafe fn write_at(file: BorrowedFd<'_>, from: &Range<usize>, offset: u64) -> Result<usize> {
    // SAFETY: by this function's contract.
    transfer(from, offset, |at, len, to| unsafe { libc::pwrite64(file.as_raw_fd(), pointer(at), len, to) })
}

/// Makes a system call, which is told an address, a length and a place in a file, until all of a range is done or the call
/// does nothing more. How many bytes are done.
fn transfer(
    range: &Range<usize>,
    offset: u64,
    mut call: impl FnMut(usize, usize, libc::off64_t) -> isize,
) -> Result<usize> {
    let mut at = range.start;
    while at < range.end {
        let done = (at - range.start) as u64;
        let in_file = offset.checked_add(done).and_then(|in_file| libc::off64_t::try_from(in_file).ok());
        match usize::try_from(call(at, range.end - at, in_file.ok_or(RawErrno::INVAL)?)) {
            Ok(0) => break,
            Ok(done) => at += done,
            Err(_) => match RawErrno::from_io_error(&io::Error::last_os_error()) {
                Some(RawErrno::INTR) => {}
                errno => return Err(errno.unwrap_or(RawErrno::IO)),
            },
        }
    }
    Ok(at - range.start)
}

/// A part of a memory object, and how it is mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) fd: &'a OwnedFd,
    /// In bytes from the object's start.
    pub(crate) offset: u64,
    pub(crate) shared: bool,
    pub(crate) prot: ProtFlags,
}

/// Maps a memory object wherever there is room.
pub(crate) fn map(bytes: usize, view: View<'_>) -> Result<usize> {
    childless(bytes, view.prot, |at, flags| {
        // SAFETY: without `MAP_FIXED`, which is not among the flags, nothing that is mapped is touched.
        unsafe { mmap(at, bytes, flags, Some(view)) }
    })
}

/// Maps something wherever there is room, which `make` does with no rights to it. A child of fork has no business with it:
/// one that is forked before the kernel was told so has a mapping that it cannot touch. So the rights come last.
fn childless(bytes: usize, prot: ProtFlags, make: impl FnOnce(usize, MapFlags) -> Result<usize>) -> Result<usize> {
    let at = make(0, MapFlags::empty())?;
    let range = at..at + bytes;
    // SAFETY: mapped just now, and nobody knows of it.
    unsafe {
        let opened = advise(&range, Advice::LinuxDontFork).and_then(|()| protect(&range, prot));
        if opened.is_err() {
            unmap(&range);
        }
        opened.map(|()| at)
    }
}

/// The same in the place of what is mapped at `range`. Where there are no rights to it, it is made there. Otherwise it is
/// moved there when all has been done to it: somebody may touch it at any time, and must not be sent a SIGSEGV.
///
/// # Safety
/// The range is this platform's: reserved or mapped by it.
unsafe fn replace_by(
    range: &Range<usize>,
    prot: ProtFlags,
    make: impl FnOnce(usize, MapFlags) -> Result<usize>,
) -> Result<()> {
    if prot.is_empty() {
        make(range.start, MapFlags::FIXED)?;
        // SAFETY: advice about memory of this platform's.
        return unsafe { advise(range, Advice::LinuxDontFork) };
    }
    let at = childless(range.len(), prot, make)?;
    let aside = at..at + range.len();
    // SAFETY: by this function's contract, and nobody knows of the other one.
    unsafe {
        let moved = move_to(&aside, range.start);
        if moved.is_err() {
            unmap(&aside);
        }
        moved
    }
}

/// Nothing is mapped below, whatever the kernel allows (`vm.mmap_min_addr`, which root is not held to): code that meets a
/// null pointer must fault.
const MMAP_MIN: usize = 0x1_0000;

/// Reserves addresses, where an access is a SIGSEGV (`PROT_NONE`): at `at` and nowhere else, if that is given. Below
/// [`MMAP_MIN`] that is EPERM.
pub(crate) fn reserve(bytes: usize, at: Option<usize>) -> Result<usize> {
    if at.is_some_and(|at| at < MMAP_MIN) {
        return Err(RawErrno::PERM);
    }
    let fixed = if at.is_some() { MapFlags::FIXED_NOREPLACE } else { MapFlags::empty() };
    // SAFETY: nothing that is mapped is touched.
    unsafe { mmap(at.unwrap_or(0), bytes, fixed, None) }
}

/// The same, beginning at a multiple of `align`, wherever there is room.
pub(crate) fn reserve_aligned(bytes: usize, align: usize) -> Result<usize> {
    let all = bytes.checked_add(align).ok_or(RawErrno::NOMEM)?;
    let at = reserve(all, None)?;
    let start = at.next_multiple_of(align);
    for rest in [at..start, start + bytes..at + all].into_iter().filter(|rest| !rest.is_empty()) {
        // SAFETY: reserved just now, and nobody knows of it.
        unsafe { unmap(&rest) };
    }
    Ok(start)
}

/// Replaces what is mapped at `range` by this view of a memory object. No access sees anything in between.
///
/// # Safety
/// The range is this platform's: reserved or mapped by it.
pub(crate) unsafe fn replace(range: &Range<usize>, view: View<'_>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { replace_by(range, view.prot, |at, flags| mmap(at, range.len(), flags, Some(view))) }
}

/// Replaces what is mapped at `range` by private memory with nothing in it: what a mapping shows before it is known what it
/// will show, and where it shows zeros.
///
/// # Safety
/// As [`replace`].
pub(crate) unsafe fn replace_by_nothing(range: &Range<usize>, prot: ProtFlags) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { replace_by(range, prot, |at, flags| mmap(at, range.len(), flags, None)) }
}

/// Replaces what is mapped at `range` by a reservation, where an access is a SIGSEGV.
///
/// # Safety
/// As [`replace`].
pub(crate) unsafe fn make_inaccessible(range: &Range<usize>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { mmap(range.start, range.len(), MapFlags::FIXED, None) }.map(drop)
}

/// Maps a part of a memory object, or nothing, without any rights to it.
///
/// # Safety
/// With `MAP_FIXED` the range is this platform's.
unsafe fn mmap(at: usize, bytes: usize, flags: MapFlags, view: Option<View<'_>>) -> Result<usize> {
    #[cfg(test)]
    super::failing::check()?;
    let (at, flags) = (pointer(at), flags | MapFlags::NORESERVE);
    // SAFETY: by this function's contract.
    let found = unsafe {
        match view {
            Some(View { fd, offset, shared, .. }) => {
                let sharing = if shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
                rustix::mm::mmap(at, bytes, ProtFlags::empty(), flags | sharing, fd, offset)
            }
            None => rustix::mm::mmap_anonymous(at, bytes, ProtFlags::empty(), flags | MapFlags::PRIVATE),
        }
    }?;
    Ok(found.expose_provenance())
}

/// A page of anonymous memory, readable.
pub(crate) fn anonymous_page() -> Result<usize> {
    // SAFETY: nothing that is mapped is touched.
    let found = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), PAGE_SIZE, ProtFlags::READ, MapFlags::PRIVATE) }?;
    Ok(found.expose_provenance())
}

/// Memory of this process's own, of zeros, which takes what is stored to.
pub(crate) fn map_zeros(bytes: usize) -> Result<*mut c_void> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: nothing that is mapped is touched; advice about what is new.
    unsafe {
        let at = rustix::mm::mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags)?;
        // A large page would take memory for what is not used. Where the kernel has none, it need not be told.
        let _ = rustix::mm::madvise(at, bytes, Advice::LinuxNoHugepage);
        Ok(at)
    }
}

/// How many mappings the process has, and may have, if it can have no more (`vm.max_map_count`).
pub(crate) fn mappings_used_up() -> Option<usize> {
    let limit: usize = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    let mut maps = fs::File::open("/proc/self/maps").ok()?;
    // There may be no memory for all of it, because that would be a mapping more.
    let (mut part, mut used) = ([0; PAGE_SIZE], 0);
    while let read @ 1.. = maps.read(&mut part).ok()? {
        used += part.iter().take(read).filter(|byte| **byte == b'\n').count();
    }
    // One is made aside and moved into place, which the kernel refuses where fewer than six are left.
    (used + 6 >= limit).then_some(limit)
}

/// A word of memory that is zero in a child of fork, for ever.
pub(crate) fn page_without_heirs() -> Result<&'static AtomicU64> {
    // SAFETY: nothing that is mapped is touched; the page is new, and nobody else's.
    unsafe {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let page = rustix::mm::mmap_anonymous(ptr::null_mut(), PAGE_SIZE, prot, MapFlags::PRIVATE)?;
        rustix::mm::madvise(page, PAGE_SIZE, Advice::LinuxWipeOnFork)?;
        Ok(AtomicU64::from_ptr(page.cast()))
    }
}

/// Moves a mapping to `to`, in the place of what is mapped there: no access sees anything in between. This returns when
/// the event of the move was read from the userfaultfd that the mapping is registered with.
///
/// # Safety
/// Both ranges are this platform's, and nobody uses the first.
pub(crate) unsafe fn move_to(from: &Range<usize>, to: usize) -> Result<()> {
    #[cfg(test)]
    super::failing::check()?;
    let (len, flags) = (from.len(), MremapFlags::MAYMOVE);
    // SAFETY: by this function's contract.
    unsafe { rustix::mm::mremap_fixed(pointer(from.start), len, len, flags, pointer(to)) }.map(drop)
}

/// Gives addresses back to the kernel.
///
/// # Safety
/// The range is this platform's, and nobody uses it any more.
pub(crate) unsafe fn unmap(range: &Range<usize>) {
    // This can fail only for want of memory to cut a mapping in two. The range stays mapped then, for ever.
    // SAFETY: by this function's contract.
    let _ = unsafe { rustix::mm::munmap(pointer(range.start), range.len()) };
}

/// Changes the rights to a range (`mprotect`).
///
/// # Safety
/// The range is this platform's.
pub(crate) unsafe fn protect(range: &Range<usize>, prot: ProtFlags) -> Result<()> {
    #[cfg(test)]
    super::failing::check()?;
    let rights = MprotectFlags::from_bits_retain(prot.bits());
    // SAFETY: by this function's contract.
    unsafe { rustix::mm::mprotect(pointer(range.start), range.len(), rights) }
}

/// Takes away the pages that are mapped, and poison: the next access is a fault.
///
/// # Safety
/// The range is this platform's.
pub(crate) unsafe fn zap(range: &Range<usize>) -> Result<()> {
    // SAFETY: by this function's contract.
    unsafe { advise(range, Advice::LinuxDontNeed) }
}

/// # Safety
/// The range is this platform's, and may be treated as the advice says.
unsafe fn advise(range: &Range<usize>, advice: Advice) -> Result<()> {
    #[cfg(test)]
    super::failing::check()?;
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

/// `PROT_*` of these flags.
pub(crate) fn prot_of(flags: VmFlags) -> ProtFlags {
    [(VmFlags::READ, ProtFlags::READ), (VmFlags::WRITE, ProtFlags::WRITE), (VmFlags::EXEC, ProtFlags::EXEC)]
        .into_iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .fold(ProtFlags::empty(), |prot, (_, bit)| prot | bit)
}

/// The number of this thread (`gettid`).
pub(crate) fn this_thread() -> u32 {
    // SAFETY: asks for a number.
    u32::try_from(unsafe { libc::gettid() }).unwrap_or(0)
}

/// The size of this kernel's pages.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

/// How many bytes a file has.
pub(crate) fn file_size(fd: &OwnedFd) -> Result<u64> {
    rustix::fs::fstat(fd).map(|stat| u64::try_from(stat.st_size).unwrap_or(0))
}

/// Whether two files are of one file system.
pub(crate) fn are_on_one_device(first: &OwnedFd, second: &OwnedFd) -> Result<bool> {
    Ok(rustix::fs::fstat(first)?.st_dev == rustix::fs::fstat(second)?.st_dev)
}
