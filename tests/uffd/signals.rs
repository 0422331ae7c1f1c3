//! Signals whose handlers touch memory that a session serves.
#![expect(unsafe_code, reason = "signals, and plain accesses")]

use std::{
    ffi::c_int,
    fs, mem,
    os::unix::process::ExitStatusExt as _,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::{Mixed, PageOffset, UserAddr};
use vmctx_uffd::{Map, Options, Session, Trap};

use crate::{
    drivers::{self, PAGE, faulting, number, on_fault, page_at, pages, ring, share},
    own_process::{self, in_its_own_process},
    sessions::{load, open, session},
};

/// Runs a test in a process of its own, where there is a userfaultfd.
fn alone(test: impl FnOnce()) {
    drop(session());
    own_process::alone(test);
}

/// Where the handler loads.
static AT: AtomicUsize = AtomicUsize::new(0);
/// What it has found there, and 1000 for each time that it has run.
static FOUND: AtomicUsize = AtomicUsize::new(0);

extern "C" fn touch(_: c_int) {
    // SAFETY: mapped, and served for as long as signals are sent.
    let byte = unsafe { ptr::read_volatile(AT.load(Ordering::SeqCst) as *const u8) };
    FOUND.fetch_add(1000 + usize::from(byte), Ordering::SeqCst);
}

/// From now on SIGUSR1 loads a byte there. Whoever waits for ever is ended by another signal.
fn touch_at(at: UserAddr) {
    AT.store(at.get(), Ordering::SeqCst);
    // SAFETY: the handler does what a handler may: it loads, and stores to an atomic.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = touch as extern "C" fn(c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut()), 0);
        libc::alarm(60);
    }
}

/// Sends it to the threads of this name. How many there are.
fn send_to(name: &str) -> usize {
    let is_one =
        |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name);
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap).filter(is_one);
    let threads = tasks.map(|task| task.file_name().to_str().unwrap().parse::<libc::pid_t>().unwrap());
    // SAFETY: a signal for which there is a handler.
    threads
        .filter(|thread| unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), *thread, libc::SIGUSR1) } == 0)
        .count()
}

/// A mapping of three pages, none of which was touched.
fn three_pages(session: &Session) -> UserAddr {
    session.mmap(&ring(session, &pages(session, 3)), Map::shared(3 * PAGE)).unwrap()
}

/// The kernel gives a signal that is sent to a process to whichever thread takes it.
#[test]
fn a_thread_that_serves_runs_no_handler_that_would_wait_for_it() {
    alone(|| {
        let session = session();
        let at = three_pages(&session);
        touch_at(at);
        // The thread has its name when it serves.
        assert_eq!(load(&session, page_at(at, 2)), Ok(number(2)));
        assert_eq!(send_to("vmctx-faults"), 1);
        assert_eq!(load(&session, page_at(at, 1)), Ok(number(1)));
        // SAFETY: `touch_at` has installed a handler for it.
        unsafe { libc::raise(libc::SIGUSR1) };
        assert_eq!(FOUND.load(Ordering::SeqCst), 1000 + usize::from(number(0)), "it runs elsewhere");
    });
}

/// Where the thread that faults serves, a signal comes before the hook, or when the access goes on, as in a kernel.
#[test]
fn a_hook_in_the_thread_that_faults_is_not_interrupted() {
    alone(|| {
        let session = open(Options::default().in_thread(), 1 << 12);
        let shown = pages(&session, 2);
        let file = faulting::<Mixed, _, _>(&session, move |ctx| {
            if ctx.pgoff() == PageOffset::ZERO {
                // SAFETY: there is a handler for it.
                unsafe { libc::raise(libc::SIGUSR1) };
                assert_eq!(FOUND.load(Ordering::SeqCst), 0);
            }
            let page = &shown[ctx.pgoff().index()];
            ctx.insert_page(page)
        });
        let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
        touch_at(page_at(at, 1));
        assert_eq!(load(&session, at), Ok(number(0)));
        assert_eq!(FOUND.load(Ordering::SeqCst), 1000 + usize::from(number(1)));
        assert_eq!(session.take_errors(), []);
    });
}

/// As in a kernel, a call is over, or has not begun, when a handler runs.
#[test]
fn a_call_of_the_sessions_is_not_interrupted() {
    alone(|| {
        let session = session();
        touch_at(three_pages(&session));
        let shown = pages(&session, 1);
        let ring = share(&session, on_fault::<_, Mixed, _>(move |ctx| ctx.insert_page(&shown[0])));
        let file = drivers::open(&session, move |ctx| {
            // SAFETY: there is a handler for it.
            unsafe { libc::raise(libc::SIGUSR1) };
            assert_eq!(FOUND.load(Ordering::SeqCst), 0);
            Ok(ctx.writable().establish_shared(ring.clone())?.fill_later())
        });
        session.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(FOUND.load(Ordering::SeqCst), 1000 + usize::from(number(0)));
    });
}

/// The handlers of the crate's take no signal for an access that somebody has sent.
#[test]
fn a_signal_that_is_sent_does_what_it_did_before() {
    drop(session());
    for signal in [libc::SIGBUS, libc::SIGSEGV] {
        let run = in_its_own_process(&signal.to_string(), || {
            let _session = session();
            // SAFETY: ends this process, whose test it is.
            unsafe { libc::kill(libc::getpid(), signal) };
        });
        if let Some(run) = run {
            assert_eq!(run.status.signal(), Some(signal));
        }
    }
}

#[test]
fn a_signal_that_was_ignored_still_is() {
    let run = in_its_own_process("ignored", || {
        // Before the first session.
        // SAFETY: a disposition, and a signal that is ignored.
        let session = unsafe {
            libc::signal(libc::SIGBUS, libc::SIG_IGN);
            let session = session();
            libc::kill(libc::getpid(), libc::SIGBUS);
            session
        };
        let at = session.mmap(&ring(&session, &pages(&session, 1)), Map::shared(2 * PAGE)).unwrap();
        assert_eq!(load(&session, at), Ok(number(0)));
        assert_eq!(load(&session, page_at(at, 1)), Err(Trap::Sigbus(page_at(at, 1))));
    });
    assert!(run.is_none_or(|run| run.status.success()));
}
