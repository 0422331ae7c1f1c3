//! G17: A hook that has to be registered is written beside `fault`.
//! At: `fn page_mkwrite`
//! Write instead: `Hooks::NONE.page_mkwrite(Self::page_mkwrite)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

fn main() {}
