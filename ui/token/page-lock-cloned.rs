//! G7: a page lock, twice: a copy would unlock the page a second time.
use vmctx::{PageLock, Platform};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform>(lock: PageLock<'_, P>) {
    require_clone(lock)
}

fn main() {}
