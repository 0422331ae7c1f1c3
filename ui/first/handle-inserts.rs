//! G14: A handle inserts into a mapping that nobody has locked.
//! At: `mapping.insert_page`
//! Write instead: `handle.lock(unlocked)?`
use vmctx::*;

fn ioctl<P: Platform>(mapping: &Handle<P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    mapping.insert_page(PageOffset::ZERO, page)
}

fn main() {}
