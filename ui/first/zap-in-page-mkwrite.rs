//! G14: A hook that is told of stores takes the page away.
//! At: `ctx.zap(`
//! Write instead: `object.unmap_once(first, count, may_sleep)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.zap(ctx.pgoff(), PageCount::new(1));
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
