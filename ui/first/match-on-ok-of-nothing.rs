//! G6: An insertion is matched as if it gave nothing.
//! At: `Ok(()) => ctx.finish(),`
//! Write instead: `Ok(ctx) => ctx.finish(),`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        match ctx.insert_page(&self.pages[0]) {
            Ok(()) => ctx.finish(),
            Err(errno) => Err(errno),
        }
    }
}

fn main() {}
