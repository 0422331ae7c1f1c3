//! G15: a state made where nobody may sleep, by the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{Errno, PageRange, Platform, PrepareHook, entry};

fn make<P: Platform>(hook: &PrepareHook<'_, P>, vma: &mut P::Vma) -> Result<(), Errno> {
    entry::mapped(hook, PageRange::default(), vma)
}

fn main() {}
