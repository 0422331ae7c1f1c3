//! G7, G12: a released fault is still this thread's.
use vmctx::{Mixed, Platform, Released};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(released: Released<'_, P, Mixed>) {
    require_send(released)
}

fn main() {}
