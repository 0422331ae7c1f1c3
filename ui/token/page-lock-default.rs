//! G7: a page lock outside hooks, out of nothing.
use vmctx::{PageLock, Platform};

fn forge<'l, P: Platform>() -> PageLock<'l, P> {
    Default::default()
}

fn main() {}
