//! G15: A page is allocated as `alloc_page` does it.
//! At: `P::alloc_page(&self.memory)`
//! Write instead: `ctx.may_sleep()`
use vmctx::*;

struct Dev<P: Platform> {
    memory: P::Memory,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Ok(page) = P::alloc_page(&self.memory) else { return ctx.fail(Errno::ENOMEM) };
        ctx.insert_page(&page)
    }
}

fn main() {}
