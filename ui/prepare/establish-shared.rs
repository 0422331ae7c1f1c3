//! G25: a prepare hook takes no reference to a state that the file has already.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared, WithoutFaults};

struct File<P: Platform>(P::Ref<WithoutFaults<P, Mixed>>);

impl<P: Platform> File<P> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.writable().establish_shared(self.0.clone())
    }
}

fn main() {}
