//! G15: a right to sleep kept in the state, for where there is none.
use vmctx::{MaySleep, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    page: P::Page,
    may_sleep: MaySleep<'static>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
