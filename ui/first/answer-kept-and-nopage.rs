//! G4, G5: An answer is kept, and NOPAGE returned.
//! At: `VmFault::NOPAGE`
//! Write instead: `ctx.insert_page(&page)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    last: std::sync::Mutex<Option<VmFault<'static>>>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        let answer = ctx.insert_page(page);
        *self.last.lock().unwrap() = Some(answer);
        VmFault::NOPAGE
    }
}

fn main() {}
