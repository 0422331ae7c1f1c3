//! G15: A lock is taken as a mutex is.
//! At: `let first = self.lock.read();`
//! Write instead: `ctx.may_sleep()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    lock: P::RwLock<usize>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let first = self.lock.read();
        ctx.insert_page(&self.pages[*first])
    }
}

fn main() {}
