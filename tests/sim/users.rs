//! What users of a simulated machine have in common.

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
