//! G4: An answer is matched as if it were an enum of codes.
//! At: `VmFault::NoPage =>`
//! Write instead: `ctx.insert_page(&page)`
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
            VmFault::NoPage => ctx.fail(Errno::EBUSY),
            other => other,
        }
    }
}

fn main() {}
