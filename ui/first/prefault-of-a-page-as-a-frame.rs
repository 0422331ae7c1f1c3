//! G13: A neighbour is filled with a page as if it were a frame.
//! At: `ctx.prefault_pfn(`
//! Write instead: `ctx.insert_page(&page)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let at = ctx.pgoff();
        ctx.prefault_pfn(at, &self.pages[0]);
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
