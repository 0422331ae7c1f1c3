//! G4: A fault without memory returns the code of C.
//! At: `return VM_FAULT_OOM`
//! Write instead: `ctx.fail(errno)`
use vmctx::*;

struct Dev<P: Platform> {
    memory: P::Memory,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Ok(page) = P::alloc_page(&self.memory, ctx.may_sleep()) else {
            return VM_FAULT_OOM;
        };
        ctx.insert_page(&page)
    }
}

fn main() {}
