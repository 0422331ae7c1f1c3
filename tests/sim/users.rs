//! What users of a simulated machine have in common.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use vmctx::{Errno, Mixed, VmOperations};
use vmctx_sim::{File, Machine, Page, Process, Sim, SyscallError, Thread};

use crate::{
    drivers::{on_fault, open, share},
    threads::all_at_once,
};

/// Opens a file of which all mappings share this state, and may grow.
pub(crate) fn growing<V: VmOperations<Platform = Sim, Kind = Mixed>>(machine: &Machine, state: V) -> File {
    let state = share(machine, state);
    open(machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.may_expand().fill_later()))
}

/// A file with these pages, inserted as they are touched, whose mappings may grow.
pub(crate) fn growing_ring(machine: &Machine, pages: &[Page]) -> File {
    let pages = pages.to_vec();
    let state = on_fault::<Sim, Mixed, _>(move |ctx| match pages.get(ctx.pgoff().index()) {
        Some(page) => ctx.insert_page(page),
        None => ctx.fail(Errno::ENXIO),
    });
    growing(machine, state)
}

pub(crate) fn errno<T: std::fmt::Debug>(result: Result<T, SyscallError>) -> Errno {
    result.unwrap_err().errno().unwrap()
}

/// Runs a closure in this many threads, each a user thread of the process.
pub(crate) fn in_threads(process: &Process, count: usize, body: impl Fn(usize, Thread) + Sync) {
    all_at_once(count, |index| body(index, process.thread()));
}

/// The thread that has made this, for another one that must know when it sleeps.
pub(crate) struct ThisThread(PathBuf);

impl ThisThread {
    pub(crate) fn new() -> Self {
        Self(Path::new("/proc").join(fs::read_link("/proc/thread-self").unwrap()).join("stat"))
    }

    /// Returns once the thread sleeps, whatever it waits for.
    pub(crate) fn until_asleep(&self) {
        let sleeps = || {
            let stat = fs::read_to_string(&self.0).unwrap();
            // The state stands behind the name, which is in brackets and may have some in it.
            stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
        };
        while !sleeps() {
            thread::yield_now();
        }
    }
}
