//! G6: A mmap hook is written to give nothing.
//! At: `-> Result<(), Errno>`
//! Write instead: `Mapped<'m>`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<(), Errno> {
        ctx.without_faults::<Mixed>()?.insert_page(&self.pages[0])?;
        Ok(())
    }
}

fn main() {}
