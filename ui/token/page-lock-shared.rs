//! G7: a page lock, looked at by another thread.
use vmctx::{PageLock, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn ioctl<P: Platform>(lock: PageLock<'_, P>) {
    require_sync(&lock)
}

fn main() {}
