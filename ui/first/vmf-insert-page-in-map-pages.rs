//! G1: Neighbours are inserted by the name that this has in C.
//! At: `ctx.vmf_insert_page(`
//! Write instead: `ctx.prefault_page(at, &page)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        for at in ctx.wanted() {
            ctx.vmf_insert_page(&self.pages[at.index()]);
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
