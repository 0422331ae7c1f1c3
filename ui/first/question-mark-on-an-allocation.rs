//! G3: A failed allocation is handed on by `?` in a fault.
//! At: `P::alloc_page(&self.memory, ctx.may_sleep())?`
//! Write instead: `ctx.insert_page_with(`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    memory: P::Memory,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let page = P::alloc_page(&self.memory, ctx.may_sleep())?;
        ctx.insert_page(&page)
    }
}

fn main() {}
