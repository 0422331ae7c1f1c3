//! G4: A hook that fills large entries falls back by a code.
//! At: `VM_FAULT_FALLBACK`
//! Write instead: `ctx.fallback()`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> Dev<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        drop(ctx);
        VM_FAULT_FALLBACK
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
