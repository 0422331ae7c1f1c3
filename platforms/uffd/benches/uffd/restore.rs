//! Restoring a peer: its private memory is filled by copies (`UFFDIO_COPY`) of a file that the server has mapped.

use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr, thread,
};

use vmctx::{Errno, FaultCtx, FrameSource as _, Mixed, PageOffset, UserAddr, VmFault, VmOperations};
use vmctx_uffd::{Adopted, MappedFile, Peer, Region, Regions};

use crate::contender::{Contender, PAGE, PAGES, window_of};

/// A file with all its pages.
fn file() -> File {
    // SAFETY: a new descriptor.
    let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"bench".as_ptr(), libc::MFD_CLOEXEC)) };
    file.write_all(&vec![7; PAGES * PAGE]).unwrap();
    file
}

fn map(flags: libc::c_int, fd: libc::c_int) -> usize {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the mapping is new, and replaces nothing.
    let at = unsafe { libc::mmap(ptr::null_mut(), PAGES * PAGE, prot, libc::MAP_PRIVATE | flags, fd, 0) };
    assert_ne!(at, libc::MAP_FAILED);
    at as usize
}

/// Private memory, and the userfaultfd with which it is registered.
struct Peers {
    uffd: OwnedFd,
    at: usize,
}

impl Peers {
    fn new() -> Self {
        let at = map(libc::MAP_ANONYMOUS, -1);
        // SAFETY: requests with their structures, about memory of ours. Without large pages, as a virtual machine's memory is.
        unsafe {
            libc::madvise(at as *mut _, PAGES * PAGE, libc::MADV_NOHUGEPAGE);
            let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK | 1);
            let uffd = OwnedFd::from_raw_fd(libc::c_int::try_from(fd).unwrap());
            let mut api = [0xaa_u64, 0, 0];
            assert_eq!(libc::ioctl(uffd.as_raw_fd(), 0xc018_aa3f, api.as_mut_ptr()), 0);
            let mut register = [at as u64, (PAGES * PAGE) as u64, 1, 0];
            assert_eq!(libc::ioctl(uffd.as_raw_fd(), 0xc020_aa00, register.as_mut_ptr()), 0);
            Self { uffd, at }
        }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // SAFETY: mapped there, and nobody uses it any more.
        assert_eq!(unsafe { libc::munmap(self.at as *mut _, PAGES * PAGE) }, 0);
    }
}

/// A loop that waits for events or for the peer's end, reads them, and copies a window of pages for each.
pub(crate) struct ByHand(Peers);

impl ByHand {
    pub(crate) fn new(window: usize) -> Self {
        let peers = Peers::new();
        let from = map(0, file().as_raw_fd());
        let (fd, at) = (peers.uffd.as_raw_fd(), peers.at);
        // SAFETY: a new descriptor, which stands for the socket and is never at its end.
        let socket = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        thread::spawn(move || {
            let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            let (mut fds, mut events) = ([poll(fd), poll(socket)], [[0_u64; 4]; 16]);
            loop {
                // SAFETY: buffers of that length.
                let bytes = unsafe {
                    libc::poll(fds.as_mut_ptr(), 2, -1);
                    libc::read(fd, events.as_mut_ptr().cast(), 32)
                };
                for event in &events[..usize::try_from(bytes).unwrap_or(0) / 32] {
                    let start = window_of(usize::try_from(event[2]).unwrap(), at, window);
                    let mut copy = [start as u64, (from + (start - at)) as u64, (window * PAGE) as u64, 0, 0];
                    // SAFETY: a request with its structure.
                    assert_eq!(unsafe { libc::ioctl(fd, 0xc028_aa03, copy.as_mut_ptr()) }, 0);
                }
            }
        });
        Self(peers)
    }
}

impl Contender for ByHand {
    fn at(&self) -> usize {
        self.0.at
    }
}

/// The driver: it restores the file, window by window.
struct Snapshot {
    file: MappedFile,
    window: usize,
}

impl VmOperations for Snapshot {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        if self.window > 1 {
            let first = ctx.pgoff().index() / self.window * self.window;
            for page in (first..first + self.window).map(PageOffset::new) {
                if let Some(frame) = self.file.frame(page) {
                    ctx.prefault_mixed(page, frame);
                }
            }
        }
        ctx.insert_mixed_with(|at| self.file.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

pub(crate) struct Typed {
    peer: Peer,
    peers: Peers,
}

impl Typed {
    pub(crate) fn new(window: usize) -> Self {
        let peers = Peers::new();
        let region = Region { base: UserAddr::new(peers.at), bytes: PAGES * PAGE, offset: 0, page_size: PAGE };
        let state = Snapshot { file: MappedFile::new(file()).unwrap(), window };
        let uffd = peers.uffd.try_clone().unwrap();
        Self { peer: Peer::adopt(uffd, &Regions::new(&[region]).unwrap(), state).unwrap(), peers }
    }
}

impl Contender for Typed {
    fn at(&self) -> usize {
        self.peers.at
    }

    fn begin(&self) {
        assert_eq!(self.peer.take_errors(), []);
    }
}

/// A private mapping of the file: the kernel copies each page that is stored to.
pub(crate) struct Kernel(usize);

impl Kernel {
    pub(crate) fn new() -> Self {
        Self(map(0, file().as_raw_fd()))
    }
}

impl Contender for Kernel {
    fn at(&self) -> usize {
        self.0
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // SAFETY: mapped there, and nobody uses it any more.
        assert_eq!(unsafe { libc::munmap(self.0 as *mut _, PAGES * PAGE) }, 0);
    }
}
