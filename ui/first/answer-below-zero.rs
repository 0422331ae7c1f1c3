//! G4: An answer is looked at as an errno of C.
//! At: `if answer < 0`
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
        if answer < 0 {
            page.write(0, &[0]).ok();
        }
        answer
    }
}

fn main() {}
