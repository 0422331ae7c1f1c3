//! G7: a token of a prepare hook, from the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{
    Errno, Platform, PrepareHook,
    entry::{self, Described, Description},
};

fn forge<'f, P: Platform>(hook: &PrepareHook<'f, P>, wanted: Description) -> Result<Described<'f, P>, Errno> {
    entry::mmap_prepare(hook, wanted)
}

fn main() {}
