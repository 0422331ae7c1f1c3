//! G7: the kernel's buffer is this thread's.
use vmctx::{ReadInto};

fn require_send<T: Send>(_: T) {}

fn access(into: ReadInto<'_>) {
    require_send(into)
}

fn main() {}
