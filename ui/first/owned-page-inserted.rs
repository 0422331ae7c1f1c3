//! G13: A page is inserted by value.
//! At: `ctx.insert_page(page)`
//! Write instead: `&page`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    memory: P::Memory,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Ok(page) = P::alloc_page(&self.memory, ctx.may_sleep()) else { return ctx.fail(Errno::ENOMEM) };
        ctx.insert_page(page)
    }
}

fn main() {}
