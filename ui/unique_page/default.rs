//! G21: the only reference to no page.
use vmctx::{Platform, UniquePage};

struct Pool<P: Platform> {
    ring: UniquePage<P>,
}

fn take<P: Platform>(pool: &mut Pool<P>) -> UniquePage<P> {
    core::mem::take(&mut pool.ring)
}

fn main() {}
