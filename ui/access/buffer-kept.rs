//! G7: the kernel's buffer, kept after the access.
use vmctx::{ReadInto};

fn keep(into: ReadInto<'_>) -> ReadInto<'static> {
    into
}

fn main() {}
