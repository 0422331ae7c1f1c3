//! G5: The answer of one fault is kept for the next.
//! At: `self.last.lock().unwrap().replace(answer)`
//! Write instead: `return it`
//! Missing: A, B, C
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
        self.last.lock().unwrap().replace(answer);
        self.last.lock().unwrap().take().unwrap()
    }
}

fn main() {}
