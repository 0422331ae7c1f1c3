//! G17: The hook `pfn_mkwrite` is written beside `fault`.
//! At: `fn pfn_mkwrite`
//! Write instead: `Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.allow()
    }
}

fn main() {}
