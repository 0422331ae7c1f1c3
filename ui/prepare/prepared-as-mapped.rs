//! G25: a description is not the success of a mmap hook.
use vmctx::{Errno, Mapped, Mixed, Platform, Prepared};

fn mmap<'m, P: Platform>(prepared: Prepared<'m, P, Mixed>) -> Result<Mapped<'m>, Errno> {
    Ok(prepared)
}

fn main() {}
