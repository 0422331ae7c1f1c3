//! G5: Two closures take the token, of which one will run.
//! At: `page.map(`
//! Write instead: `match`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    memory: P::Memory,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let page = P::alloc_page(&self.memory, ctx.may_sleep());
        page.map(|page| ctx.insert_page(&page)).unwrap_or_else(|errno| ctx.fail(errno))
    }
}

fn main() {}
