//! G12: getting the token back out of a released fault.
use vmctx::{Mixed, Platform, Released, VmFault};

fn serve<'f, P: Platform>(released: Released<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    released.ctx.insert_page(page)
}

fn main() {}
