//! A peer that stands in for Firecracker: it sends what Firecracker sends, and touches its memory as a guest does.
#![allow(unsafe_code, reason = "memory is mapped, registered and touched")]

use std::{
    env, fs,
    fs::File,
    io::{IoSlice, Write as _},
    mem::MaybeUninit,
    ops::Range,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    ptr, thread,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

const PAGE: usize = 4096;
const PAGES: usize = 800;
/// The first region, as below the gap of 32-bit addresses.
const LOW: usize = 300;

const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const FEATURE_EVENT_REMOVE: u64 = 1 << 3;
const USER_MODE_ONLY: i32 = 1;

/// A byte of the memory file. Every eighth page is a hole.
fn byte(page: usize, offset: usize) -> u8 {
    let mixed = page.wrapping_mul(31) ^ offset.wrapping_mul(7) ^ (page >> 8);
    if page % 8 == 7 { 0 } else { mixed.to_le_bytes()[0] | 1 }
}

/// A handler, with a folder of its own.
struct Handler {
    folder: PathBuf,
    process: Child,
}

impl Handler {
    fn start(name: &str, window: &str) -> Self {
        let folder = env::temp_dir().join(format!("firecracker-handler-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut memory = File::create(folder.join("memory")).unwrap();
        for page in 0..PAGES {
            let bytes: Vec<u8> = (0..PAGE).map(|offset| byte(page, offset)).collect();
            memory.write_all(&bytes).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_firecracker-handler"));
        command.args([folder.join("socket"), folder.join("memory"), window.into()]).stdout(Stdio::piped());
        Self { process: command.spawn().unwrap(), folder }
    }

    /// Waits until it listens.
    fn connect(&mut self) -> UnixStream {
        loop {
            if let Ok(stream) = UnixStream::connect(self.folder.join("socket")) {
                return stream;
            }
            assert!(self.process.try_wait().unwrap().is_none(), "the handler has ended");
            thread::yield_now();
        }
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A virtual machine's memory, in two regions.
struct Machine {
    uffd: OwnedFd,
    regions: [Range<usize>; 2],
}

impl Machine {
    /// `None` where there is no userfaultfd to be had.
    fn new(features: u64) -> Option<Self> {
        // SAFETY: a new descriptor, and requests with what they take.
        let uffd = unsafe {
            let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK | USER_MODE_ONLY);
            let fd = OwnedFd::from_raw_fd(i32::try_from(fd).ok().filter(|fd| *fd >= 0)?);
            let mut api = [0xaa, features, 0];
            assert_eq!(libc::ioctl(fd.as_raw_fd(), UFFDIO_API as _, api.as_mut_ptr()), 0);
            fd
        };
        let regions = [LOW, PAGES - LOW].map(|pages| {
            let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            // SAFETY: a new mapping, and a request with what it takes.
            unsafe {
                let at = libc::mmap(ptr::null_mut(), pages * PAGE, prot, flags, -1, 0);
                assert_ne!(at, libc::MAP_FAILED);
                let mut register = [at as u64, (pages * PAGE) as u64, 1, 0];
                assert_eq!(libc::ioctl(uffd.as_raw_fd(), UFFDIO_REGISTER as _, register.as_mut_ptr()), 0);
                at as usize..at as usize + pages * PAGE
            }
        });
        Some(Self { uffd, regions })
    }

    fn address(&self, page: usize) -> usize {
        let [low, high] = &self.regions;
        if page < LOW { low.start + page * PAGE } else { high.start + (page - LOW) * PAGE }
    }

    fn load(&self, page: usize, offset: usize) -> u8 {
        // SAFETY: an address of its own.
        unsafe { ((self.address(page) + offset) as *const u8).read_volatile() }
    }

    fn give_back(&self, pages: Range<usize>) {
        // SAFETY: pages of its own.
        let advised =
            unsafe { libc::madvise(self.address(pages.start) as *mut _, pages.len() * PAGE, libc::MADV_DONTNEED) };
        assert_eq!(advised, 0);
    }

    /// What Firecracker sends, older or newer, in as many pieces as one likes.
    fn send(&self, stream: &mut UnixStream, page_size: &str, pieces: usize) {
        let mut offset = 0;
        let regions: Vec<String> = self
            .regions
            .iter()
            .map(|region| {
                let (base, size) = (region.start, region.len());
                let text = format!(r#"{{"base_host_virt_addr":{base},"size":{size},"offset":{offset},{page_size}}}"#);
                offset += size;
                text
            })
            .collect();
        let text = format!("[{}]", regions.join(","));
        let (first, rest) = text.as_bytes().split_at(text.len() / pieces);
        let descriptors = [self.uffd.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let sent = sendmsg(&*stream, &[IoSlice::new(first)], &mut control, SendFlags::empty()).unwrap();
        assert_eq!(sent, first.len());
        stream.write_all(rest).unwrap();
    }

    /// Four threads compare every byte.
    fn compare(&self, expected: impl Fn(usize, usize) -> u8 + Sync) {
        thread::scope(|scope| {
            for first in 0..4 {
                let (machine, expected) = (&self, &expected);
                scope.spawn(move || {
                    for page in (first..PAGES).step_by(4).chain((first..PAGES).step_by(97)) {
                        for offset in 0..PAGE {
                            assert_eq!(machine.load(page, offset), expected(page, offset), "page {page}");
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn every_byte_is_the_files() {
    let (Some(one), Some(other)) = (Machine::new(0), Machine::new(0)) else { return };
    let mut handler = Handler::start("bytes", "16");
    // Two machines of one file, both there at once; what an older Firecracker sends, and in pieces.
    let mut streams = [handler.connect(), handler.connect()];
    one.send(&mut streams[0], r#""page_size":4096,"page_size_kib":4096"#, 1);
    other.send(&mut streams[1], r#""page_size_kib":4096"#, 3);
    one.compare(byte);
    other.compare(byte);
}

#[test]
fn what_a_balloon_has_taken_is_zeros() {
    let Some(machine) = Machine::new(FEATURE_EVENT_REMOVE) else { return };
    let mut handler = Handler::start("balloon", "8");
    let mut stream = handler.connect();
    machine.send(&mut stream, r#""page_size":4096"#, 1);
    machine.compare(byte);
    thread::scope(|scope| {
        let machine = &machine;
        for first in [0, LOW] {
            scope.spawn(move || (0..10).for_each(|part| machine.give_back(first + part * 20..first + part * 20 + 10)));
        }
        scope.spawn(move || {
            for page in 0..PAGES {
                let found = machine.load(page, 5);
                assert!(found == 0 || found == byte(page, 5));
            }
        });
    });
    let is_taken = |page: usize| {
        let page = if page < LOW { page } else { page - LOW };
        page < 200 && page % 20 < 10
    };
    machine.compare(|page, offset| if is_taken(page) { 0 } else { byte(page, offset) });
}

/// It says why, and serves the next one.
#[test]
fn what_makes_no_sense_is_refused() {
    let Some(machine) = Machine::new(0) else { return };
    let mut handler = Handler::start("refused", "1");
    for wrong in [r#""page_size":2097152"#, r#""page_size":"large""#] {
        let mut stream = handler.connect();
        machine.send(&mut stream, wrong, 1);
        assert_eq!(std::io::Read::read(&mut stream, &mut [0]).unwrap_or(0), 0, "it has hung up");
    }
    assert_eq!(handler.process.try_wait().unwrap().and_then(|status| status.signal()), None);
    let mut stream = handler.connect();
    machine.send(&mut stream, r#""page_size":4096"#, 1);
    machine.compare(byte);
}

/// As many connections as it has descriptors for: those that were there before are served on, and later ones again.
#[test]
fn who_connects_too_often_ends_nobody_elses_service() {
    let (Some(machine), Some(later)) = (Machine::new(0), Machine::new(0)) else { return };
    let mut handler = Handler::start("often", "1");
    let mut stream = handler.connect();
    let limit = libc::rlimit { rlim_cur: 24, rlim_max: 24 };
    let id = handler.process.id().try_into().unwrap();
    // SAFETY: two numbers, of the process that this one has started.
    assert_eq!(unsafe { libc::prlimit(id, libc::RLIMIT_NOFILE, &raw const limit, ptr::null_mut()) }, 0);
    machine.send(&mut stream, r#""page_size":4096"#, 1);
    assert_eq!(machine.load(0, 1), byte(0, 1));
    let others: Vec<UnixStream> = (0..40).map(|_| handler.connect()).collect();
    let descriptors = PathBuf::from(format!("/proc/{id}/fd"));
    while fs::read_dir(&descriptors).unwrap().count() < 24 {
        assert_eq!(handler.process.try_wait().unwrap(), None, "the handler has ended");
        thread::yield_now();
    }
    drop(others);
    machine.compare(byte);
    later.send(&mut handler.connect(), r#""page_size":4096"#, 1);
    later.compare(byte);
}
