//! G1: An insertion in a fault is matched as if it were a `Result`.
//! At: `Ok(answer) => answer`
//! Write instead: `ctx.insert_page_with`
//! Missing: A, C, D
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        match ctx.insert_page(page) {
            Ok(answer) => answer,
            Err(errno) => ctx.fail(errno),
        }
    }
}

fn main() {}
