//! G7, G14: a state that keeps a page locked.
use vmctx::{Mixed, PageLock, Platform, VmOperations};

struct Hoard<P: Platform> {
    lock: PageLock<'static, P>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
