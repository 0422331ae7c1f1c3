//! G1: Whether it is a store is asked of the flags.
//! At: `if ctx.flags & FAULT_FLAG_WRITE != 0 {`
//! Write instead: `ctx.is_write()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if ctx.flags & FAULT_FLAG_WRITE != 0 {
            return ctx.fail(Errno::EPERM);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
