//! G1: Whether a store may happen is answered with a `bool`.
//! At: `Hooks::NONE.page_mkwrite(Self::page_mkwrite)`
//! Write instead: `VmFault<'f>`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn page_mkwrite<'f>(&'f self, _: PageMkwriteCtx<'f, P, Mixed>) -> bool {
        true
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
