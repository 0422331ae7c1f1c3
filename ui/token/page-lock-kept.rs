//! G7: a page lock, kept for later.
use vmctx::{PageLock, Platform};

fn keep<P: Platform>(lock: PageLock<'_, P>) -> PageLock<'static, P> {
    lock
}

fn main() {}
