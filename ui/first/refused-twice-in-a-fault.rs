//! G8: A fault refuses writers, and executes nothing.
//! At: `ctx.read_only()`
//! Write instead: `in `MmapFile::mmap``
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.read_only().no_exec().insert_page(page)
    }
}

fn main() {}
