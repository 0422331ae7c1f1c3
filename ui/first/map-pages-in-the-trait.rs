//! G17: The hook `map_pages` is written beside `fault`.
//! At: `fn map_pages`
//! Write instead: `Hooks::NONE.map_pages(Self::map_pages)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.finish()
    }
}

fn main() {}
