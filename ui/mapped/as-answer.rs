//! G1, G2, G14: outside a fault no insertion answers one.
use vmctx::{MappedCtx, Mixed, PageOffset, Platform, VmFault};

fn ioctl<'f, P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) -> VmFault<'f> {
    mapped.insert_page(at, page)
}

fn main() {}
