//! G5: A fault is asked what it is when it is answered already.
//! At: `if ctx.is_write()`
//! Write instead: `ask `ctx` before`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        let answer = ctx.insert_page(page);
        if ctx.is_write() {
            page.write(0, &[1]).ok();
        }
        answer
    }
}

fn main() {}
