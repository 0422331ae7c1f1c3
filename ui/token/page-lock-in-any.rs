//! G7: a page lock, hidden from its lifetime.
use core::any::Any;
use vmctx::{PageLock, Platform};

fn hide<P: Platform>(lock: PageLock<'_, P>) -> Box<dyn Any> {
    Box::new(lock)
}

fn main() {}
