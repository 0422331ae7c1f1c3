//! What users of a simulated machine have in common.

use vmctx::Errno;
use vmctx_sim::{Process, SyscallError, Thread};

use crate::threads::all_at_once;

pub(crate) fn errno<T: std::fmt::Debug>(result: Result<T, SyscallError>) -> Errno {
    result.unwrap_err().errno().unwrap()
}

/// Runs a closure in this many threads, each a user thread of the process.
pub(crate) fn in_threads(process: &Process, count: usize, body: impl Fn(usize, Thread) + Sync) {
    all_at_once(count, |index| body(index, process.thread()));
}
