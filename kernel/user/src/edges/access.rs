//! What edges are made of: a device that is open, the pages of a mapping, one byte of it.

use vmctx::UserAddr;
use vmctx_conformance::user::{Refusal, Trap, User};

use crate::{
    calls::{self, PAGE},
    device::Process,
};

/// A process that has this device of the module open.
pub(super) fn open(name: &str) -> Result<Process, Refusal> {
    Process::open(name, 0).map_err(|error| calls::refusal(&error))
}

/// The address of a page of a mapping.
pub(super) fn page(at: UserAddr, page: usize) -> UserAddr {
    UserAddr::new(at.get() + page * PAGE)
}

/// The argument of a request about `count` pages from `first` on.
pub(super) const fn range(first: u32, count: u32) -> usize {
    (first as usize) << 32 | count as usize
}

/// Loads one byte.
pub(super) fn touch(process: &Process, at: UserAddr) -> Result<u8, Trap> {
    let mut byte = [0];
    process.read(at, &mut byte).map(|()| byte[0])
}
