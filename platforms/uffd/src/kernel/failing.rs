//! System calls that fail or are late on order, for the tests of what is left then.

use std::{
    env,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use parking_lot::Mutex;

use crate::error::RawErrno;

/// How many system calls are made until one fails, itself included. 0: none fails.
static LEFT: AtomicU64 = AtomicU64::new(0);
/// How many that come after it fail as well.
static MORE: AtomicU64 = AtomicU64::new(0);
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// Has the `n`th system call from now on fail for want of memory, whichever thread makes it, and so many that come after
/// it.
pub(crate) fn fail(n: u64, more: u64) {
    HAS_FAILED.store(false, Ordering::SeqCst);
    MORE.store(more, Ordering::SeqCst);
    LEFT.store(n, Ordering::SeqCst);
}

/// No system call fails any more. Whether one has.
pub(crate) fn stop_failing() -> bool {
    LEFT.store(0, Ordering::SeqCst);
    HAS_FAILED.load(Ordering::SeqCst)
}

/// What happens before each system call.
static BEFORE_EACH: Mutex<Option<fn()>> = Mutex::new(None);

/// Has this happen before each system call from now on, or nothing.
pub(crate) fn before_each(call: Option<fn()>) {
    *BEFORE_EACH.lock() = call;
}

/// Called where a system call is about to be made.
pub(crate) fn check() -> Result<(), RawErrno> {
    let before = *BEFORE_EACH.lock();
    if let Some(before) = before {
        before();
    }
    if LEFT.load(Ordering::SeqCst) != 0 {
        // What must not be touched between two calls, another thread touches now.
        thread::yield_now();
    }
    let one_more = || MORE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |more| more.checked_sub(1)).is_ok();
    let count = |left: u64| if left == 1 && one_more() { Some(1) } else { left.checked_sub(1) };
    if LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) != Ok(1) {
        return Ok(());
    }
    HAS_FAILED.store(true, Ordering::SeqCst);
    Err(RawErrno::NOMEM)
}

/// What happens between the next read of events and what its reader does with them.
static AFTER_NEXT_READ: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Has the next reader that has read events do this first.
pub(crate) fn after_next_read(meanwhile: impl FnOnce() + Send + 'static) {
    *AFTER_NEXT_READ.lock() = Some(Box::new(meanwhile));
}

/// Called where events were just read.
pub(crate) fn has_read() {
    let meanwhile = AFTER_NEXT_READ.lock().take();
    if let Some(meanwhile) = meanwhile {
        meanwhile();
    }
}

/// Runs a test in a process of its own, with the name that the harness knows it by: what it does to the process, no other
/// test sees.
pub(crate) fn alone(test: impl FnOnce()) {
    const ALONE: &str = "VMCTX_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return test();
    }
    let name = thread::current().name().unwrap().to_owned();
    let run =
        Command::new(env::current_exe().unwrap()).args(["--exact", &name, "--nocapture"]).env(ALONE, "1").output();
    let run = run.unwrap();
    let said = [run.stdout, run.stderr].concat();
    assert!(run.status.success(), "{}: {}", run.status, String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("1 passed"), "{name} was not run");
}
