//! G14: the state is shared with hooks that run, and not changed without its locks.
use vmctx::{EstablishedCtx, Mixed, Platform, VmOperations};

struct Counter<P: Platform> {
    page: P::Page,
    calls: u32,
}

impl<P: Platform> VmOperations for Counter<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>) {
    if let Some(state) = established.state::<Counter<P>>() {
        state.calls += 1;
    }
}

fn main() {}
