//! G25, G21: pages that are mapped later are borrowed from the file, too.
use vmctx::{Errno, Mixed, Mutex, Platform, PrepareCtx, Prepared};

struct Ring<P: Platform>(P::Mutex<Vec<P::Page>>);

impl<P: Platform> Ring<P> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let pages = self.0.lock(ctx.may_sleep());
        ctx.writable().fill_at_pgoff(&pages)
    }
}

fn main() {}
