//! G15: The right to sleep is kept longer than the token that gave it.
//! At: `let answer = ctx.insert_page(page)`
//! Write instead: `ctx.may_sleep()`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    lock: P::RwLock<usize>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        let may_sleep = ctx.may_sleep();
        let answer = ctx.insert_page(page);
        let _held = self.lock.write(may_sleep);
        answer
    }
}

fn main() {}
