//! G2, G14: no page is handed back outside a fault.
use vmctx::{Errno, MappedCtx, Mixed, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, Mixed>, page: P::Page) -> Result<(), Errno> {
    mapped.deliver(page)
}

fn main() {}
