//! Another process's memory: what a user in one process sees of drivers in another.

use std::{
    env,
    io::{BufRead, BufReader, Read as _, Write},
    os::{
        fd::{AsFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixListener, UnixStream},
            process::CommandExt as _,
        },
    },
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mixed, PageCount, PageOffset, PageRef as _, RwLock as _, UserAddr, VmFault, VmOperations,
    WaitQueue as _,
};
use vmctx_uffd::{
    Guest, Map, OpenError, Options, Page, Prot, Session, SessionError, SyscallError, Trap, Uffd, WaitQueue,
};

use crate::{
    drivers::{OnDrop, PAGE, faulting, first_byte, number, open, page_at, pages, ring},
    sessions::{answers, memory, session},
    switched::{SwitchedFile, switched},
    tracked::tracked,
};

const SOCKET: &str = "VMCTX_TEST_SOCKET";

/// The other process of a test: does what it is told to.
struct Other {
    child: Child,
    control: BufReader<UnixStream>,
    listener: UnixListener,
}

impl Other {
    fn start() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("vmctx-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let (control, theirs) = unix_pair();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "--test-threads=1", "remote::the_other_process"]);
        command.env(SOCKET, name).stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
        Self { child: command.spawn().unwrap(), control: BufReader::new(control), listener }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.control.get_mut(), "{line}").unwrap();
    }

    /// The next thing that it says; nothing once it has gone.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.control.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    /// The other end of a socket that it has connected.
    fn socket(&mut self) -> UnixStream {
        assert_eq!(self.hear(), "connected");
        self.listener.accept().unwrap().0
    }

    fn load(&mut self, at: UserAddr) -> Result<u8, Trap> {
        access(&self.ask(&format!("load {}", at.get())))
    }

    fn store(&mut self, at: UserAddr, byte: u8) -> Result<u8, Trap> {
        access(&self.ask(&format!("store {} {byte}", at.get())))
    }

    /// Has a thread of it load, store for ever, or whatever.
    fn begin(&mut self, line: &str, at: UserAddr) {
        assert_eq!(self.ask(&format!("begin {line} {}", at.get())), "begun");
    }

    /// What came of it, the first that was begun first.
    fn end(&mut self) -> Result<u8, Trap> {
        access(&self.ask("end"))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A socket pair, where there is a userfaultfd.
fn unix_pair() -> (UnixStream, UnixStream) {
    drop(session());
    UnixStream::pair().unwrap()
}

fn said(result: Result<u8, Trap>) -> String {
    match result {
        Ok(byte) => format!("byte {byte}"),
        Err(Trap::Sigbus(at)) => format!("sigbus {}", at.get()),
        Err(Trap::Sigsegv(at)) => format!("sigsegv {}", at.get()),
        Err(error) => error.to_string(),
    }
}

fn access(said: &str) -> Result<u8, Trap> {
    let parts = said.split_once(' ').and_then(|(what, number)| Some((what, number.parse::<usize>().ok()?)));
    match parts {
        Some(("sigbus", at)) => Err(Trap::Sigbus(UserAddr::new(at))),
        Some(("sigsegv", at)) => Err(Trap::Sigsegv(UserAddr::new(at))),
        Some(("byte", byte)) => Ok(byte.try_into().unwrap()),
        _ => unreachable!("it says {said:?}"),
    }
}

fn load_in(guest: &Guest, at: UserAddr) -> Result<u8, Trap> {
    let mut byte = [0];
    guest.read(at, &mut byte).map(|()| byte[0])
}

/// Stores words on and on, until that cannot be done.
fn store_on(guest: &Guest, at: UserAddr) -> Result<u8, Trap> {
    for round in 0_u64.. {
        guest.write(at, &round.to_ne_bytes())?;
    }
    Ok(0)
}

/// Stores and loads what it has stored.
fn store_and_load(guest: &Guest, at: UserAddr) -> Result<u8, Trap> {
    for round in 0..2000_u32 {
        guest.write(at, &round.to_ne_bytes())?;
        let mut found = [0; 4];
        guest.read(at, &mut found)?;
        assert_eq!(u32::from_ne_bytes(found), round);
    }
    Ok(0)
}

/// A session here, and a process whose faults it serves.
fn served() -> (Session, Other) {
    let mut other = Other::start();
    other.tell("join");
    let session = Session::open_for(&memory(1 << 14), other.socket()).unwrap();
    assert_eq!(other.hear(), "joined");
    (session, other)
}

/// Both in this process.
fn in_one_process() -> (Session, Guest) {
    let (ours, theirs) = unix_pair();
    let joining = thread::spawn(|| Guest::join(theirs));
    let session = Session::open_for(&memory(1 << 14), ours).unwrap();
    (session, joining.join().unwrap().unwrap())
}

fn errors(session: &Session) -> Vec<SessionError> {
    loop {
        let errors = session.take_errors();
        if !errors.is_empty() {
            return errors;
        }
        thread::yield_now();
    }
}

/// What the other process of a test runs. Without that test it meets nobody.
#[test]
fn the_other_process() {
    let Ok(socket) = env::var(SOCKET) else {
        let (ours, _) = unix_pair();
        return assert_eq!(Guest::join(ours).unwrap_err(), OpenError::HungUp);
    };
    let control = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let answer = |line: &str| writeln!(&control, "{line}").unwrap();
    let connect = || {
        let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(&socket).unwrap()).unwrap();
        answer("connected");
        stream
    };
    let mut guest = None::<Arc<Guest>>;
    let mut begun = Vec::<JoinHandle<Result<u8, Trap>>>::new();
    for line in BufReader::new(control.try_clone().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let at = || UserAddr::new(words.last().unwrap().parse().unwrap());
        match words[..] {
            ["join"] => {
                guest = Some(Arc::new(Guest::join(connect()).unwrap()));
                answer("joined");
            }
            ["leave"] => {
                guest = None;
                answer("left");
            }
            ["load", _] => answer(&said(load_in(guest.as_ref().unwrap(), at()))),
            ["store", at, byte] => {
                let at = UserAddr::new(at.parse().unwrap());
                answer(&said(guest.as_ref().unwrap().write(at, &[byte.parse().unwrap()]).map(|()| 0)));
            }
            ["begin", what, _] => {
                let run = match what {
                    "load" => load_in,
                    "copies" => store_and_load,
                    _ => store_on,
                };
                let (guest, at) = (Arc::clone(guest.as_ref().unwrap()), at());
                begun.push(thread::spawn(move || run(&guest, at)));
                answer("begun");
            }
            ["is-running"] => answer(if begun.iter().all(JoinHandle::is_finished) { "no" } else { "yes" }),
            ["end"] => answer(&said(begun.remove(0).join().unwrap())),
            ["fork"] => {
                // SAFETY: the child does nothing but wait for its end.
                #[expect(unsafe_code, reason = "fork, and a system call alone in the child")]
                let child = unsafe {
                    let child = libc::fork();
                    if child == 0 {
                        loop {
                            libc::pause();
                        }
                    }
                    child
                };
                answer(&child.to_string());
            }
            ["exec"] => {
                answer("going");
                let error = Command::new("cat").exec();
                unreachable!("{error}");
            }
            ["share", _] => {
                share_memory(at());
                answer("shared");
            }
            ["serve", what] => return serve(connect(), what, answer),
            _ => unreachable!("told to {line:?}"),
        }
    }
}

/// Starts a process that has the memory of this one, and lives longer. When it is sent a byte it says what it finds there, and
/// in the page behind.
#[expect(unsafe_code, reason = "a process that shares this one's memory, and its plain loads")]
fn share_memory(at: UserAddr) {
    extern "C" fn run(at: *mut libc::c_void) -> libc::c_int {
        for page in 0..2 {
            let mut byte = [0_u8];
            // SAFETY: a byte of this function's; an address that a session has mapped.
            unsafe {
                if libc::read(0, byte.as_mut_ptr().cast(), 1) != 1 {
                    break;
                }
                byte[0] = at.cast::<u8>().add(page * PAGE).read_volatile();
                libc::write(0, byte.as_ptr().cast(), 1);
            }
        }
        0
    }
    let stack = Vec::leak(vec![0_u128; 1 << 12]).as_mut_ptr_range().end;
    // SAFETY: a stack that nobody else has, and a function that needs nothing of the thread whose registers it gets.
    assert!(unsafe { libc::clone(run, stack.cast(), libc::CLONE_VM, at.get() as *mut _) } > 0);
}

/// The session is in the other process, which is going to be killed.
fn serve(stream: UnixStream, what: &str, answer: impl Fn(&str)) {
    let session = Session::open_for(&memory(1 << 10), stream).unwrap();
    let mut pages = pages(&session, 64);
    let file = if what == "stores" {
        pages.reverse();
        tracked(&session, &pages, false).0
    } else {
        let queue = WaitQueue::default();
        faulting::<Mixed, _, _>(&session, move |ctx| {
            if ctx.pgoff() == PageOffset::ZERO {
                return ctx.insert_page(&pages[0]);
            }
            let ticket = queue.ticket();
            match ctx.wait(ticket) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            }
        })
    };
    let at = session.mmap(&file, Map::shared(64 * PAGE)).unwrap();
    answer(&at.get().to_string());
    while session.statistics().handler_calls < 5 {
        thread::yield_now();
    }
    answer("asked");
    loop {
        thread::park();
    }
}

#[test]
fn both_sides_have_the_same_physical_page() {
    let (session, mut other) = served();
    let pages = pages(&session, 4);
    let at = session.mmap(&ring(&session, &pages), Map::shared(4 * PAGE)).unwrap();

    assert_eq!(other.load(page_at(at, 2)), Ok(3));
    other.store(page_at(at, 2), 77).unwrap();
    assert_eq!(first_byte(&pages[2]), 77);
    pages[2].write(0, &[78]).unwrap();
    assert_eq!(other.load(page_at(at, 2)), Ok(78));
    assert_eq!((session.statistics().handler_calls, pages[2].references()), (1, 3));
    // The address is none of this process's.
    assert_eq!(session.read(at, &mut [0]), Err(Trap::InGuest { address: at }));
    assert_eq!(session.write(at, &[0]), Err(Trap::InGuest { address: at }));
    assert_eq!(session.take_errors(), []);
}

#[test]
fn pages_that_lie_in_any_order_show_where_the_driver_put_them() {
    let (session, mut other) = served();
    let mut pages = pages(&session, 64);
    pages.reverse();
    pages.swap(3, 40);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(64 * PAGE)).unwrap();
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(other.load(page_at(at, index)), Ok(first_byte(page)), "page {index}");
        other.store(page_at(at, index), 200).unwrap();
        assert_eq!(first_byte(page), 200, "page {index}");
    }
    session.munmap(page_at(at, 1), 62 * PAGE).unwrap();
    assert_eq!((other.load(at), other.load(page_at(at, 63))), (Ok(200), Ok(200)));
    for page in [1, 30, 62] {
        assert_eq!(other.load(page_at(at, page)), Err(Trap::Sigsegv(page_at(at, page))));
    }
    session.munmap(at, 64 * PAGE).unwrap();
    assert_eq!(other.load(at), Err(Trap::Sigsegv(at)));
    assert!(pages.iter().all(|page| page.references() == 2), "the driver's and the test's");
    // The same addresses, for something else.
    let again = session.mmap(&file, Map::shared(PAGE).at(at)).unwrap();
    assert_eq!((again, other.load(at)), (at, Ok(200)));
    assert_eq!(session.mmap(&file, Map::shared(PAGE).at(at)), Err(Errno::EEXIST.into()));
}

#[test]
fn what_is_not_there_is_a_signal_that_names_the_byte() {
    let (session, mut other) = served();
    let pages = pages(&session, 2);
    let at = session.mmap(&ring(&session, &pages[..1]), Map::shared(3 * PAGE)).unwrap();
    let byte = UserAddr::new(at.get() + PAGE + 77);
    for tries in 1..=3 {
        assert_eq!(other.load(byte), Err(Trap::Sigbus(byte)));
        assert_eq!(answers(&session).sigbus, tries, "the driver is asked each time");
    }
    assert_eq!(other.load(UserAddr::new(12)), Err(Trap::Sigsegv(UserAddr::new(12))));
}

#[test]
fn what_the_protection_does_not_allow_is_a_sigsegv() {
    let (session, mut other) = served();
    let pages = pages(&session, 2);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(other.load(at), Ok(1));
    assert_eq!(other.store(at, 0), Err(Trap::Sigsegv(at)));
    session.mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    other.store(at, 9).unwrap();
    assert_eq!(other.store(page_at(at, 1), 0), Err(Trap::Sigsegv(page_at(at, 1))));
    assert_eq!((first_byte(&pages[0]), session.mapping_count()), (9, 2));
}

#[test]
fn what_is_revoked_has_gone_there_when_that_returns() {
    let (session, mut other) = served();
    let device = switched(&session);
    let file = session.file(SwitchedFile(device.clone()));
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let may_sleep = session.memory().may_sleep();
    for round in 0..50 {
        *device.on.write(may_sleep) = true;
        other.begin("stores", at);
        let stored = || {
            let mut word = [0; 8];
            device.page.read(0, &mut word).unwrap();
            u64::from_ne_bytes(word)
        };
        device.page.write(0, &[0xff; 8]).unwrap();
        while stored() == u64::MAX {
            thread::yield_now();
        }
        let mut on = device.on.write(may_sleep);
        *on = false;
        device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(2), may_sleep);
        let (last, references) = (stored(), device.page.references());
        drop(on);
        assert_eq!(other.end(), Err(Trap::Sigbus(at)), "round {round}");
        assert_eq!((stored(), references), (last, 1), "round {round}: nothing was stored after that");
    }
    assert_eq!(session.take_errors(), []);
}

#[test]
fn private_copies_are_the_users_own_and_stay() {
    let (session, mut other) = served();
    let device = switched(&session);
    let file = session.file(SwitchedFile(device.clone()));
    let at = session.mmap(&file, Map::private(4 * PAGE)).unwrap();
    other.store(at, 55).unwrap();
    assert_eq!(other.load(page_at(at, 1)), Ok(1));
    let may_sleep = session.memory().may_sleep();
    *device.on.write(may_sleep) = false;
    device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(4), may_sleep);
    assert_eq!((other.load(at), first_byte(&device.page)), (Ok(55), 1));
    for page in [1, 2] {
        assert_eq!(other.load(page_at(at, page)), Err(Trap::Sigbus(page_at(at, page))));
    }
    // Stores to copies while others are revoked: none is lost.
    *device.on.write(may_sleep) = true;
    other.begin("copies", UserAddr::new(page_at(at, 1).get() + 64));
    while other.ask("is-running") == "yes" {
        (0..10).for_each(|_| device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(4), may_sleep));
    }
    assert_eq!((other.end(), other.load(at), first_byte(&device.page)), (Ok(0), Ok(55), 1));
    assert_eq!(session.take_errors(), []);
}

/// While stores race with the protection: what was stored after a page was protected has been told.
#[test]
fn no_store_is_lost_between_two_looks() {
    let (session, mut other) = served();
    let mut pages = pages(&session, 4);
    for _ in 0..2 {
        pages.reverse();
        let (file, state, handle) = tracked(&session, &pages, false);
        let at = session.mmap(&file, Map::shared(4 * PAGE)).unwrap();
        let stored = || {
            let mut word = [0; 8];
            pages[1].read(0, &mut word).unwrap();
            u64::from_ne_bytes(word)
        };
        other.begin("stores", page_at(at, 1));
        for round in 0..100 {
            let told = state.stores()[1];
            let protect = session.ioctl(|ctx| {
                let handle = handle.lock().unwrap();
                let mapped = handle.last().unwrap().lock(ctx)?;
                if round % 2 == 0 {
                    mapped.write_protect(PageOffset::ZERO, PageCount::new(4));
                } else {
                    mapped.zap(PageOffset::ZERO, PageCount::new(4));
                }
                Ok::<_, Errno>(())
            });
            protect.unwrap().unwrap();
            let seen = stored();
            while stored() == seen {
                thread::yield_now();
            }
            assert!(state.stores()[1] > told, "round {round}");
        }
        session.munmap(at, 4 * PAGE).unwrap();
        assert_eq!(other.end(), Err(Trap::Sigsegv(page_at(at, 1))));
    }
    assert_eq!(session.take_errors(), []);
}

#[test]
fn the_first_store_is_told_and_no_other() {
    let (session, mut other) = served();
    let mut pages = pages(&session, 4);
    // In order and not: both ways into a mapping.
    for _ in 0..2 {
        pages.reverse();
        let (file, state, handle) = tracked(&session, &pages, false);
        let at = session.mmap(&file, Map::shared(4 * PAGE)).unwrap();
        assert_eq!(other.load(at), Ok(first_byte(&pages[0])));
        assert_eq!(state.stores(), [0, 0, 0, 0]);
        for round in 1..=3 {
            for _ in 0..2 {
                other.store(at, 70).unwrap();
                other.store(page_at(at, 2), 71).unwrap();
            }
            assert_eq!(state.stores(), [round, 0, round, 0]);
            let protect = session.ioctl(|ctx| {
                let handle = handle.lock().unwrap();
                let mapped = handle.last().unwrap().lock(ctx);
                mapped.map(|mapped| mapped.write_protect(PageOffset::ZERO, PageCount::new(4)))
            });
            protect.unwrap().unwrap();
        }
        assert_eq!((first_byte(&pages[0]), first_byte(&pages[2])), (70, 71));
        session.munmap(at, 4 * PAGE).unwrap();
    }
    assert_eq!(session.take_errors(), []);
}

#[test]
fn who_waits_when_the_session_stops_gets_a_signal_and_no_zeros() {
    let (session, mut other) = served();
    let queue = Arc::new(WaitQueue::default());
    let (waiting, shown) = (Arc::clone(&queue), pages(&session, 1));
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        if ctx.pgoff() == PageOffset::ZERO {
            return ctx.insert_page(&shown[0]);
        }
        let ticket = waiting.ticket();
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared(8 * PAGE)).unwrap();
    assert_eq!(other.load(at), Ok(1));
    (1..5).for_each(|page| other.begin("load", page_at(at, page)));
    while queue.sleepers() == 0 {
        thread::yield_now();
    }
    session.stop().unwrap();
    for page in 1..5 {
        assert_eq!(other.end(), Err(Trap::Sigbus(page_at(at, page))));
    }
    // What was mapped stays, and what was not stays away.
    assert_eq!((other.load(at), other.load(page_at(at, 6))), (Ok(1), Err(Trap::Sigbus(page_at(at, 6)))));
    assert_eq!(session.mmap(&file, Map::shared(PAGE)), Err(SyscallError::Stopped));
    drop(session);
    for page in [0, 1, 6] {
        assert_eq!(other.load(page_at(at, page)), Err(Trap::Sigsegv(page_at(at, page))));
    }
}

#[test]
fn a_session_can_be_dropped_while_all_its_users_run() {
    for round in 0..10 {
        let (session, mut other) = served();
        let mut pages = pages(&session, 256);
        // Half of them where a mapping of their own is needed.
        pages[..128].reverse();
        let at = session.mmap(&ring(&session, &pages), Map::shared(256 * PAGE)).unwrap();
        (0..256).for_each(|page| other.begin("load", page_at(at, page)));
        while session.statistics().events < round * 8 {
            thread::yield_now();
        }
        drop(session);
        for (index, page) in pages.iter().enumerate() {
            let (got, at) = (other.end(), page_at(at, index));
            let expected = [Ok(first_byte(page)), Err(Trap::Sigbus(at)), Err(Trap::Sigsegv(at))];
            assert!(expected.contains(&got), "{got:?} at page {index}");
            assert_eq!(page.references(), 1);
        }
    }
}

/// The last descriptor of a userfaultfd hands out zeros when it is closed, if somebody waits.
#[test]
fn who_waits_when_the_sessions_process_is_killed_gets_a_signal_and_no_zeros() {
    let mut other = Other::start();
    other.tell("serve waiters");
    let guest = Guest::join(other.socket()).unwrap();
    let at = UserAddr::new(other.hear().parse().unwrap());
    assert_eq!(load_in(&guest, at), Ok(1));
    thread::scope(|scope| {
        let guest = &guest;
        let loads: Vec<_> = (1..5).map(|page| (page, scope.spawn(move || load_in(guest, page_at(at, page))))).collect();
        assert_eq!(other.hear(), "asked");
        other.kill();
        for (page, load) in loads {
            assert_eq!(load.join().unwrap(), Err(Trap::Sigsegv(page_at(at, page))));
        }
    });
    while !guest.has_ended() {
        thread::yield_now();
    }
    // What was mapped has gone, too; and nobody waits for anybody any more.
    assert_eq!(load_in(&guest, at), Err(Trap::Sigsegv(at)));
    guest.retry(at);
}

/// Whoever moves a mapping waits until that was read, by a process that is no more.
#[test]
fn a_session_can_be_killed_while_mappings_are_moved() {
    for _ in 0..10 {
        let mut other = Other::start();
        other.tell("serve stores");
        let guest = Guest::join(other.socket()).unwrap();
        let at = UserAddr::new(other.hear().parse().unwrap());
        thread::scope(|scope| {
            for thread in 0..3_usize {
                let guest = &guest;
                scope.spawn(move || {
                    for page in (0..64).map(|page| (page * 5 + thread * 7) % 64) {
                        let (got, at) = (load_in(guest, page_at(at, page)), page_at(at, page));
                        let expected = [Ok(number(63 - page)), Err(Trap::Sigsegv(at))];
                        assert!(expected.contains(&got), "{got:?} at page {page}");
                    }
                });
            }
            assert_eq!(other.hear(), "asked");
            other.kill();
        });
        drop(guest);
    }
}

/// A hook that waits for ever, and says how that ended.
fn waiting(
    session: &Session,
    queue: &WaitQueue,
    page: &Page,
    gone: OnDrop<impl FnMut() + Send + Sync + 'static>,
) -> (vmctx_uffd::File, Arc<AtomicBool>) {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (queue, page, says) = (queue.clone(), page.clone(), Arc::clone(&interrupted));
    let file = faulting::<Mixed, _, _>(session, move |ctx| {
        let _ = &gone;
        if ctx.pgoff() == PageOffset::ZERO {
            return ctx.insert_page(&page);
        }
        let ticket = queue.ticket();
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => {
                says.store(errno == Errno::EINTR, Ordering::Release);
                ctx.fail_or_refault(errno)
            }
        }
    });
    (file, interrupted)
}

fn killed_while_it_waits(kill: impl FnOnce(&mut Other)) {
    let (session, mut other) = served();
    let (queue, dropped) = (WaitQueue::default(), Arc::new(AtomicBool::new(false)));
    let page = pages(&session, 1).remove(0);
    let tell = Arc::clone(&dropped);
    let gone = OnDrop(move || tell.store(true, Ordering::Release));
    let (file, interrupted) = waiting(&session, &queue, &page, gone);
    let at = session.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    assert_eq!((other.load(at), page.references()), (Ok(1), 3));
    other.begin("load", page_at(at, 1));
    while queue.sleepers() == 0 {
        thread::yield_now();
    }
    kill(&mut other);
    assert_eq!(errors(&session), [SessionError::GuestGone]);
    while queue.sleepers() != 0 {
        thread::yield_now();
    }
    assert_eq!(session.mmap(&file, Map::shared(PAGE)), Err(Errno::ESRCH.into()));
    assert_eq!(session.mprotect(at, PAGE, Prot::READ), Err(Errno::ESRCH.into()));
    session.munmap(page_at(at, 3), PAGE).unwrap();
    drop(file);
    session.stop().unwrap();
    assert!(interrupted.load(Ordering::Acquire));
    assert_eq!(session.take_errors(), [], "it was said already");
    drop(session);
    assert_eq!((page.references(), dropped.load(Ordering::Acquire)), (1, true));
}

#[test]
fn a_process_that_is_killed_while_it_waits_is_reported_and_leaves_nothing() {
    killed_while_it_waits(Other::kill);
}

#[test]
fn a_process_can_be_killed_while_its_mappings_are_moved() {
    for round in 0..10 {
        let (session, mut other) = served();
        let mut pages = pages(&session, 64);
        pages.reverse();
        let (file, ..) = tracked(&session, &pages, false);
        let at = session.mmap(&file, Map::shared(64 * PAGE)).unwrap();
        (0..64).for_each(|page| other.begin("load", page_at(at, page)));
        while session.statistics().events < round * 4 {
            thread::yield_now();
        }
        other.kill();
        assert_eq!(errors(&session), [SessionError::GuestGone]);
        drop((session, file));
        assert!(pages.iter().all(|page| page.references() == 1));
    }
}

/// Its child has copies of all its descriptors.
#[test]
fn a_process_that_is_killed_is_missed_although_its_child_lives() {
    let mut child = 0;
    killed_while_it_waits(|other| {
        child = other.ask("fork").parse().unwrap();
        other.kill();
    });
    assert!(child > 0);
    // SAFETY: a signal to the process that was made for this test.
    #[expect(unsafe_code, reason = "a signal to the process that was made for this test")]
    let killed = unsafe { libc::kill(child, libc::SIGKILL) };
    assert_eq!(killed, 0);
}

/// The process goes on, and its child has copies of all of its descriptors.
#[test]
fn a_process_that_runs_another_program_is_missed_although_its_child_lives() {
    let (session, mut other) = served();
    let file = ring(&session, &pages(&session, 1));
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(other.load(at), Ok(1));
    let child: libc::pid_t = other.ask("fork").parse().unwrap();
    assert_eq!(other.ask("exec"), "going");
    while session.mmap(&file, Map::shared(PAGE)).is_ok() {
        thread::yield_now();
    }
    assert_eq!(errors(&session), [SessionError::GuestGone]);
    drop(session);
    // SAFETY: a signal to a process that the other one has left behind.
    #[expect(unsafe_code, reason = "a signal")]
    unsafe {
        libc::kill(child, libc::SIGKILL);
    }
}

/// What it finds is what was there, which is given to nobody else; what was not there it does not find.
#[test]
fn who_shares_the_memory_of_a_process_that_is_killed_reaches_nothing_more() {
    let (session, mut other) = served();
    let pages = pages(&session, 2);
    let at = session.mmap(&ring(&session, &pages), Map::shared(2 * PAGE)).unwrap();
    assert_eq!(other.load(at), Ok(1));
    assert_eq!(other.ask(&format!("share {}", at.get())), "shared");
    other.kill();
    assert_eq!(errors(&session), [SessionError::GuestGone]);
    session.munmap(at, 2 * PAGE).unwrap();
    drop(session);
    assert_eq!((pages[0].references(), pages[1].references()), (2, 1), "the first is still mapped");
    let mut said = Vec::new();
    other.control.get_mut().write_all(&[0, 0]).unwrap();
    other.control.read_to_end(&mut said).unwrap();
    assert_eq!(said, [1], "then it had a SIGBUS");
}

#[test]
fn a_guest_that_leaves_is_reported_and_gives_its_addresses_back() {
    let (session, mut other) = served();
    let pages = pages(&session, 2);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(other.load(at), Ok(1));
    assert_eq!(other.ask("leave"), "left");
    assert_eq!(errors(&session), [SessionError::GuestGone]);
    assert_eq!(session.mmap(&file, Map::shared(PAGE)), Err(Errno::ESRCH.into()));
    // And comes again.
    other.tell("join");
    let again = Session::open_for(session.memory(), other.socket()).unwrap();
    assert_eq!(other.hear(), "joined");
    assert_eq!(again.mmap(&file, Map::shared(2 * PAGE).at(at)), Ok(at));
    assert_eq!(other.load(page_at(at, 1)), Ok(2));
    drop((session, file));
    assert_eq!(other.load(at), Ok(1), "the other session is another one");
    drop(again);
    assert!(pages.iter().all(|page| page.references() == 1));
}

/// A mapping that nobody else has opened.
struct Door {
    guest: Mutex<Option<Guest>>,
    page: Page,
    told: Arc<Mutex<Vec<&'static str>>>,
}

impl VmOperations for Door {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|door: &Self| {
            door.told.lock().unwrap().push("open");
            // The other side leaves before it has been asked to map anything.
            drop(door.guest.lock().unwrap().take());
            Ok(())
        })
        .close(|door: &Self| door.told.lock().unwrap().push("close"));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.page)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.told.lock().unwrap().push("drop");
    }
}

/// What the first session would do to its addresses, the kernel would do to the mappings of the second.
#[test]
fn who_has_left_a_session_has_another_at_the_same_addresses() {
    let (first, guest) = in_one_process();
    let second = session();
    // Far from where the kernel puts what has no address of its own.
    let fixed = Map::shared(4 * PAGE).at(UserAddr::new(0x2200_0000_0000));
    let at = first.mmap(&ring(&first, &pages(&first, 4)), fixed).unwrap();
    drop(guest);
    assert_eq!(errors(&first), [SessionError::GuestGone]);
    let shown = pages(&second, 4);
    assert_eq!(second.mmap(&ring(&second, &shown), fixed), Ok(at));
    first.stop().unwrap();
    assert_eq!(crate::sessions::load(&second, page_at(at, 1)), Ok(number(1)));
}

#[test]
fn a_mapping_that_fails_after_it_was_opened_is_closed() {
    let (session, guest) = in_one_process();
    let page = pages(&session, 1).remove(0);
    let told = Arc::new(Mutex::new(Vec::new()));
    let guest = Mutex::new(Some(guest));
    let file = open(&session, {
        let (page, told) = (page.clone(), Arc::clone(&told));
        move |ctx| {
            let guest = Mutex::new(guest.lock().unwrap().take());
            let state = Door { guest, page: page.clone(), told: Arc::clone(&told) };
            Ok(ctx.writable().establish(state)?.insert_page(&page)?.fill_later())
        }
    });
    assert_eq!(session.mmap(&file, Map::shared(2 * PAGE)), Err(SyscallError::Failed(Errno::ESRCH)));
    assert_eq!(*told.lock().unwrap(), ["open", "close", "drop"]);
    assert_eq!((session.mapping_count(), page.references()), (0, 2));
}

#[test]
fn one_object_is_revoked_wherever_it_is_mapped() {
    let own = Session::open(&memory(1 << 10)).unwrap();
    let mut others: Vec<_> = (0..2)
        .map(|_| {
            let mut other = Other::start();
            other.tell("join");
            let session = Session::open_for(own.memory(), other.socket()).unwrap();
            assert_eq!(other.hear(), "joined");
            (session, other)
        })
        .collect();
    let device = switched(&own);
    let file = own.file(SwitchedFile(device.clone()));
    let at = own.mmap(&file, Map::shared(PAGE)).unwrap();
    let there: Vec<_> = others.iter().map(|(session, _)| session.mmap(&file, Map::shared(PAGE)).unwrap()).collect();
    let may_sleep = own.memory().may_sleep();
    for on in [true, false, true] {
        *device.on.write(may_sleep) = on;
        device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(1), may_sleep);
        for (at, (_, other)) in there.iter().zip(&mut others) {
            assert_eq!(other.load(*at), if on { Ok(1) } else { Err(Trap::Sigbus(*at)) });
        }
        assert_eq!(crate::sessions::load(&own, at), if on { Ok(1) } else { Err(Trap::Sigbus(at)) });
    }
    assert_eq!(device.page.references(), 4);
    // One that has gone keeps nobody from the others.
    others[0].1.kill();
    *device.on.write(may_sleep) = false;
    device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(1), may_sleep);
    assert_eq!((others[1].1.load(there[1]), device.page.references()), (Err(Trap::Sigbus(there[1])), 1));
}

#[test]
fn both_sides_may_be_in_one_process() {
    let (session, guest) = in_one_process();
    let pages = pages(&session, 4);
    let at = session.mmap(&ring(&session, &pages), Map::shared(4 * PAGE)).unwrap();
    assert_eq!((load_in(&guest, page_at(at, 3)), guest.is_user_mode_only()), (Ok(4), session.is_user_mode_only()));
    assert!(!guest.has_ended());
    drop(session);
    assert_eq!(load_in(&guest, at), Err(Trap::Sigsegv(at)));
}

/// As it does when memory is short. Nobody reads faults any more; the guest's own descriptors must not keep them
/// coming.
#[test]
fn what_the_kernel_forgets_after_the_session_has_stopped_the_kernel_brings_back() {
    let (session, guest) = in_one_process();
    let pages = pages(&session, 2);
    let at = session.mmap(&ring(&session, &pages), Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load_in(&guest, at), Ok(1));
    session.stop().unwrap();
    // SAFETY: a mapping of the session's, which loses nothing by it.
    #[expect(unsafe_code, reason = "advice about memory of the session's")]
    let forgotten = unsafe { libc::madvise(at.get() as *mut _, PAGE, libc::MADV_DONTNEED) };
    assert_eq!((forgotten, load_in(&guest, at)), (0, Ok(1)));
    assert_eq!(load_in(&guest, page_at(at, 1)), Err(Trap::Sigbus(page_at(at, 1))));
}

#[test]
fn the_thread_of_another_process_cannot_serve_itself() {
    let (ours, theirs) = unix_pair();
    let joining = thread::spawn(|| Guest::join(theirs).unwrap_err());
    assert_eq!(Options::default().in_thread().open_for(&memory(8), ours).unwrap_err(), OpenError::InThread);
    assert_eq!(joining.join().unwrap(), OpenError::HungUp);
}

#[test]
fn a_side_that_is_not_the_other_side_is_said_to_be_none() {
    let memory = memory(8);
    let (ours, theirs) = unix_pair();
    drop(theirs);
    assert_eq!(Session::open_for(&memory, ours).unwrap_err(), OpenError::HungUp);
    let (ours, theirs) = unix_pair();
    drop(theirs);
    assert_eq!(Guest::join(ours).unwrap_err(), OpenError::HungUp);

    let (ours, mut theirs) = unix_pair();
    theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(Options::default().open_for(&memory, ours).unwrap_err(), OpenError::OtherProtocol);
    let (ours, theirs) = unix_pair();
    let other = thread::spawn(|| Guest::join(theirs).unwrap_err());
    assert_eq!(Guest::join(ours).unwrap_err(), OpenError::OtherProtocol);
    // Whoever is slower finds nobody.
    assert!(matches!(other.join().unwrap(), OpenError::OtherProtocol | OpenError::HungUp));
}
