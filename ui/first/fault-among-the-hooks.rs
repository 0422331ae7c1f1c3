//! G9: The fault hook is registered as the others are.
//! At: `Hooks::NONE.fault(Self::serve)`
//! Write instead: `fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f>`
use vmctx::*;

struct Dev<P: Platform> {
    page: P::Page,
}

impl<P: Platform> Dev<P> {
    fn serve<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.page)
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.fault(Self::serve);
}

fn main() {}
