//! Threads that no signal handler interrupts.
//!
//! A handler may touch memory that a session serves. If it has interrupted a thread that serves, or one that holds a lock
//! of the session's, it would wait for that thread, and the thread for it. So such threads take no signals meanwhile.

use std::{cell::Cell, ffi::c_int, io, marker::PhantomData, mem, ptr, thread, thread::JoinHandle};

/// What a thread is sent for what it has done itself. Blocked, each of these would end the process.
const OWN: [c_int; 7] =
    [libc::SIGBUS, libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGSYS, libc::SIGABRT];

thread_local! {
    /// Whether this thread takes no signals already.
    static UNDISTURBED: Cell<bool> = const { Cell::new(false) };
}

/// All signals but those that a thread is sent for what it has done itself.
pub(crate) fn others_signals() -> libc::sigset_t {
    // SAFETY: a set of ours, which the first call fills in.
    unsafe {
        let mut set = mem::zeroed();
        libc::sigfillset(&raw mut set);
        OWN.iter().for_each(|signal| {
            libc::sigdelset(&raw mut set, *signal);
        });
        set
    }
}

/// Changes which signals this thread takes. Gives back which it has not taken before.
fn mask(how: c_int, set: &libc::sigset_t) -> libc::sigset_t {
    // SAFETY: two sets of ours. It fails only for a `how` that is none.
    unsafe {
        let mut before = mem::zeroed();
        libc::pthread_sigmask(how, ptr::from_ref(set), &raw mut before);
        before
    }
}

/// As long as this is there, this thread takes no signals but those for what it does itself. They come afterwards.
pub(crate) struct Undisturbed {
    /// Which it has not taken before; `None` if it has taken none.
    before: Option<libc::sigset_t>,
    thread: PhantomData<*mut ()>,
}

impl Undisturbed {
    pub(crate) fn begin() -> Self {
        let before = (!UNDISTURBED.get()).then(|| mask(libc::SIG_BLOCK, &others_signals()));
        UNDISTURBED.set(true);
        Self { before, thread: PhantomData }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            UNDISTURBED.set(false);
            mask(libc::SIG_SETMASK, &before);
        }
    }
}

/// Starts a thread that takes no signals, as long as it lives.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // A thread begins with what its parent takes.
    let _parent = Undisturbed::begin();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        UNDISTURBED.set(true);
        run()
    })
}
