//! G9, G19: the grant that users may write, while the state is made.
use vmctx::{Errno, Mapped, MmapCtx, Platform, VmOperations};

fn mmap<'m, P: Platform, V: VmOperations<Platform = P>>(ctx: MmapCtx<'m, P>, state: V) -> Result<Mapped<'m>, Errno> {
    let ctx = ctx.establish_with(|ctx| {
        ctx.writable();
        Ok(state)
    })?;
    drop(ctx);
    Err(Errno::ENODEV)
}

fn main() {}
