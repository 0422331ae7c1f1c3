//! G17: The hook `huge_fault` is written beside `fault`.
//! At: `fn huge_fault`
//! Write instead: `Hooks::NONE.huge_fault(Self::huge_fault)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.fallback()
    }
}

fn main() {}
