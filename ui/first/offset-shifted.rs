//! G10: An offset in bytes is calculated from an offset in pages.
//! At: `ctx.pgoff() << 12`
//! Write instead: `offset.index()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let byte = ctx.pgoff() << 12;
        self.pages[0].write(byte, &[1]).ok();
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
