//! G7: a page lock outside hooks, made up field by field.
use vmctx::{PageLock, Platform};

fn forge<'l, P: Platform>(page: P::Page) -> PageLock<'l, P> {
    PageLock { page }
}

fn main() {}
