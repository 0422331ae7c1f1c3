//! A peer by hand, which knows nothing of this project: it opens a userfaultfd, registers memory of its own, and touches it.

use std::{
    io,
    ops::Range,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

use vmctx::UserAddr;
use vmctx_uffd::{Region, Regions};

pub(crate) const PAGE: usize = 4096;

const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFDIO_WRITEPROTECT: u64 = 0xc018_aa06;
const MISSING: u64 = 1;
const WP: u64 = 1 << 1;
const USER_MODE_ONLY: i32 = 1;
/// `UFFD_FEATURE_PAGEFAULT_FLAG_WP`
pub(crate) const PROTECTS: u64 = 1;
/// `UFFD_FEATURE_EVENT_FORK`, for which one needs `CAP_SYS_PTRACE`.
pub(crate) const FORK: u64 = 1 << 1;
pub(crate) const REMAP: u64 = 1 << 2;
pub(crate) const REMOVE: u64 = 1 << 3;
pub(crate) const UNMAP: u64 = 1 << 6;

/// Private anonymous memory, which is registered with a userfaultfd.
pub(crate) struct Own {
    fd: Option<OwnedFd>,
    at: usize,
    pages: usize,
}

impl Own {
    /// So many pages, with these features: `None` where they are not to be had.
    pub(crate) fn new(pages: usize, features: u64) -> Option<Self> {
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | USER_MODE_ONLY;
        // SAFETY: a new descriptor, a new mapping, and requests with what they take.
        #[expect(unsafe_code, reason = "system calls")]
        unsafe {
            let fd = libc::syscall(libc::SYS_userfaultfd, flags);
            let fd = OwnedFd::from_raw_fd(i32::try_from(fd).ok().filter(|fd| *fd >= 0)?);
            let mut api = [0xaa, features, 0];
            if libc::ioctl(fd.as_raw_fd(), UFFDIO_API as _, api.as_mut_ptr()) != 0 {
                return None;
            }
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let at = libc::mmap(ptr::null_mut(), pages * PAGE, prot, flags, -1, 0);
            assert_ne!(at, libc::MAP_FAILED);
            let own = Self { fd: Some(fd), at: at as usize, pages };
            own.register(own.range());
            Some(own)
        }
    }

    pub(crate) fn register(&self, range: Range<usize>) {
        self.register_for(range, MISSING);
    }

    /// Registers everything for stores to what is protected, too.
    pub(crate) fn register_stores(&self) {
        self.register_for(self.range(), MISSING | WP);
    }

    fn register_for(&self, range: Range<usize>, mode: u64) {
        let mut register = [range.start as u64, range.len() as u64, mode, 0];
        // SAFETY: a request with what it takes.
        #[expect(unsafe_code, reason = "a system call")]
        let registered = unsafe { libc::ioctl(self.fd().as_raw_fd(), UFFDIO_REGISTER as _, register.as_mut_ptr()) };
        assert_eq!(registered, 0, "{}", io::Error::last_os_error());
    }

    /// The next store to a page is a fault.
    pub(crate) fn protect(&self, page: usize) {
        let mut protect = [self.address(page) as u64, PAGE as u64, 1];
        // SAFETY: a request with what it takes.
        #[expect(unsafe_code, reason = "a system call")]
        // It is refused while somebody gives memory back.
        while unsafe { libc::ioctl(self.fd().as_raw_fd(), UFFDIO_WRITEPROTECT as _, protect.as_mut_ptr()) } != 0 {
            assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EAGAIN));
        }
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.address(0)..self.address(self.pages)
    }

    pub(crate) fn address(&self, page: usize) -> usize {
        self.at + page * PAGE
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// What it sends.
    pub(crate) fn sent(&self) -> OwnedFd {
        self.fd().try_clone().unwrap()
    }

    fn fd(&self) -> &OwnedFd {
        self.fd.as_ref().unwrap()
    }

    pub(crate) fn region(&self) -> Region {
        Region { base: UserAddr::new(self.at), bytes: self.pages * PAGE, offset: 0, page_size: PAGE }
    }

    pub(crate) fn regions(&self) -> Regions {
        Regions::new(&[self.region()]).unwrap()
    }

    pub(crate) fn load(&self, page: usize, offset: usize) -> u8 {
        load(self.address(page) + offset)
    }

    pub(crate) fn store(&self, page: usize, offset: usize, byte: u8) {
        // SAFETY: an address of this mapping's.
        #[expect(unsafe_code, reason = "a plain store")]
        unsafe {
            ((self.address(page) + offset) as *mut u8).write_volatile(byte);
        }
    }

    /// As a balloon does it.
    pub(crate) fn give_back(&self, pages: Range<usize>) {
        let (at, bytes) = (self.address(pages.start), pages.len() * PAGE);
        // SAFETY: pages of this mapping's.
        #[expect(unsafe_code, reason = "a system call")]
        let advised = unsafe { libc::madvise(at as *mut _, bytes, libc::MADV_DONTNEED) };
        assert_eq!(advised, 0, "{}", io::Error::last_os_error());
    }

    pub(crate) fn unmap(&self, pages: Range<usize>) {
        // SAFETY: pages of this mapping's, which nobody touches.
        #[expect(unsafe_code, reason = "a system call")]
        let unmapped = unsafe { libc::munmap(self.address(pages.start) as *mut _, pages.len() * PAGE) };
        assert_eq!(unmapped, 0);
    }

    /// Does this in a child, which makes system calls only. Whether that ends within ten seconds.
    pub(crate) fn ends_in_a_child(&self, run: impl FnOnce()) -> bool {
        // Not by `fork`: that holds the locks of `malloc` until its event was read, which is done in this process.
        // SAFETY: the child allocates nothing, and ends here.
        #[expect(unsafe_code, reason = "fork")]
        unsafe {
            let child = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0);
            let child = libc::pid_t::try_from(child).unwrap_or(-1);
            if child == 0 {
                run();
                libc::_exit(0);
            }
            for _ in 0..2000 {
                if libc::waitpid(child, ptr::null_mut(), libc::WNOHANG) == child {
                    return true;
                }
                libc::usleep(5000);
            }
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, ptr::null_mut(), 0);
            false
        }
    }

    /// Maps memory that nobody serves where a page was, full of this byte.
    pub(crate) fn map_something(&self, page: usize, byte: u8) {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        let (at, prot) = (self.address(page) as *mut libc::c_void, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: nothing is mapped there, or this fails.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            assert_eq!(libc::mmap(at, PAGE, prot, flags, -1, 0), at);
            at.cast::<u8>().write_bytes(byte, PAGE);
        }
    }

    /// Moves pages to where there is room. The first address there.
    pub(crate) fn move_away(&self, pages: Range<usize>) -> usize {
        let (from, bytes) = (self.address(pages.start) as *mut _, pages.len() * PAGE);
        // SAFETY: pages of this mapping's, which nobody touches; where they go nothing is.
        #[expect(unsafe_code, reason = "system calls")]
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let room = libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0);
            let to = libc::mremap(from, bytes, bytes, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, room);
            assert_eq!(to, room, "{}", io::Error::last_os_error());
            to as usize
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Whoever unmaps what is registered waits for somebody to read of it, if he has asked for that event.
        self.fd = None;
        // SAFETY: this mapping.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            libc::munmap(self.at as *mut _, self.pages * PAGE);
        }
    }
}

pub(crate) fn load(address: usize) -> u8 {
    // SAFETY: whoever calls has it mapped.
    #[expect(unsafe_code, reason = "a plain load")]
    unsafe {
        (address as *const u8).read_volatile()
    }
}
