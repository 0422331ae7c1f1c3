//! G25, G21: a file cannot have another one describe its mapping, whose frames would not be its own.
use vmctx::{Errno, Platform, PrepareCtx, PrepareFile, Prepared, Remapped, RwLock, VmOperations};

struct Around<P: Platform, F: PrepareFile<Platform = P>>(P::RwLock<F>);

impl<P: Platform, F: PrepareFile<Platform = P, Ops: VmOperations<Kind = Remapped>>> Around<P, F> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
        let inner = self.0.read(ctx.may_sleep());
        inner.mmap_prepare(ctx)
    }
}

fn main() {}
