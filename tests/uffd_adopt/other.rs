//! A peer that is a process of its own: it may die, of a signal, too.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixListener, UnixStream},
            process::{CommandExt as _, ExitStatusExt},
        },
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::UserAddr;
use vmctx_uffd::{Region, Regions};

use crate::by_hand::{Own, PAGE};

const SOCKET: &str = "VMCTX_TEST_SOCKET";
const PAGES: usize = 16;
const NONE: &str = "none";

/// A process that has so many pages, and does with them what it is told.
pub(crate) struct Other {
    child: Child,
    said: BufReader<UnixStream>,
    base: UserAddr,
    regions: Regions,
    sent: Option<(OwnedFd, UnixStream)>,
}

impl Other {
    /// `None` where it gets no userfaultfd with these features.
    pub(crate) fn start(features: u64) -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("vmctx-adopt-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let (control, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "--test-threads=1", "other::the_other_process"]);
        command.env(SOCKET, format!("{name} {features}")).stdin(OwnedFd::from(theirs));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (socket, _) = listener.accept().unwrap();
        let mut said = BufReader::new(control);
        let first = hear(&mut said);
        if first == NONE {
            child.wait().unwrap();
            return None;
        }
        let base = UserAddr::new(first.parse().unwrap());
        let regions = Regions::new(&[Region { base, bytes: PAGES * PAGE, offset: 0, page_size: PAGE }]).unwrap();
        Some(Self { child, said, base, regions, sent: Some((receive(&socket), socket)) })
    }

    /// Its first address.
    pub(crate) fn base(&self) -> UserAddr {
        self.base
    }

    pub(crate) fn regions(&self) -> &Regions {
        &self.regions
    }

    /// The userfaultfd that it has sent, and the socket on which that came.
    pub(crate) fn sent(&mut self) -> (OwnedFd, UnixStream) {
        self.sent.take().unwrap()
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.said.get_mut(), "{line}").unwrap();
    }

    /// The next thing that it says; nothing once it has gone.
    pub(crate) fn hear(&mut self) -> String {
        hear(&mut self.said)
    }

    pub(crate) fn load(&mut self, page: usize) -> Option<u8> {
        self.tell(&format!("load {page}"));
        self.hear().parse().ok()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The signal that it has ended with.
    pub(crate) fn signal(&mut self) -> Option<i32> {
        let status: ExitStatus = self.child.wait().unwrap();
        status.signal()
    }
}

fn hear(said: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself. Nothing, where it was not started as that.
#[test]
fn the_other_process() {
    let Ok(socket) = env::var(SOCKET) else { return };
    let (name, features) = socket.split_once(' ').unwrap();
    let socket = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
    // SAFETY: whoever has started this process has put a socket there.
    #[expect(unsafe_code, reason = "the descriptor was put there for this")]
    let mut control = unsafe { UnixStream::from_raw_fd(0) };
    let Some(own) = Own::new(PAGES, features.parse().unwrap()) else {
        writeln!(control, "{NONE}").unwrap();
        return;
    };
    writeln!(control, "{}", own.address(0)).unwrap();
    send(&socket, &own.sent());
    let lines = BufReader::new(control.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let (what, page) = line.split_once(' ').unwrap();
        let page: usize = page.parse().unwrap();
        match what {
            "load" => writeln!(control, "{}", own.load(page, 1)).unwrap(),
            "fork" => {
                // SAFETY: the child makes a load and a system call, and nothing else.
                #[expect(unsafe_code, reason = "fork")]
                let status = unsafe {
                    let child = libc::fork();
                    if child == 0 {
                        libc::_exit(own.load(page, 1).into());
                    }
                    let mut status = 0;
                    libc::waitpid(child, &raw mut status, 0);
                    status
                };
                writeln!(control, "{status}").unwrap();
            }
            "exec" => panic!("{}", Command::new("cat").exec()),
            other => panic!("what is {other}?"),
        }
    }
}

/// Room for one descriptor beside a byte.
struct Message {
    byte: [u8; 1],
    control: [u64; 4],
}

impl Message {
    fn with<T>(&mut self, use_it: impl FnOnce(&mut libc::msghdr) -> T) -> T {
        let mut byte = libc::iovec { iov_base: self.byte.as_mut_ptr().cast(), iov_len: 1 };
        // SAFETY: zeros are a message of nothing.
        #[expect(unsafe_code, reason = "a structure of the kernel's")]
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut byte;
        message.msg_iovlen = 1;
        message.msg_control = self.control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&self.control);
        use_it(&mut message)
    }
}

fn send(socket: &UnixStream, fd: &OwnedFd) {
    Message { byte: [0], control: [0; 4] }.with(|message| {
        // SAFETY: the room is large enough for one descriptor.
        #[expect(unsafe_code, reason = "system calls")]
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(4) as usize;
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
            libc::CMSG_DATA(header).cast::<i32>().write_unaligned(fd.as_raw_fd());
            assert_eq!(libc::sendmsg(socket.as_raw_fd(), message, 0), 1);
        }
    });
}

fn receive(socket: &UnixStream) -> OwnedFd {
    Message { byte: [0], control: [0; 4] }.with(|message| {
        // SAFETY: the kernel has put a descriptor there, which is this process's alone.
        #[expect(unsafe_code, reason = "system calls")]
        unsafe {
            assert_eq!(libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC), 1);
            let header = libc::CMSG_FIRSTHDR(message);
            OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned())
        }
    })
}
