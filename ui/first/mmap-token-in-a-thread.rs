//! G7: A mapping is filled by another thread.
//! At: `std::thread::scope`
//! Write instead: `send the page or its number`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        std::thread::scope(|s| s.spawn(|| ctx.page_count()).join().is_ok());
        ctx.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
