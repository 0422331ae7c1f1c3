//! G3: An answer is asked whether it is an `Err`.
//! At: `answer.is_err()`
//! Write instead: `answer.is_error()`
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
        if answer.is_err() {
            page.write(0, &[1]).ok();
        }
        answer
    }
}

fn main() {}
