//! G10: A page is found by the address of the fault.
//! At: `ctx.user_address_for_odd_page_sizes() >> 12`
//! Write instead: `ctx.pgoff()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let index = ctx.user_address_for_odd_page_sizes() >> 12;
        ctx.insert_page(&self.pages[index])
    }
}

fn main() {}
