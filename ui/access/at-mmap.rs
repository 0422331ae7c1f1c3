//! G8: `generic_access_phys` in the mmap hook.
use vmctx::{Errno, Mapped, MmapCtx, Platform, Remapped};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    let ctx = ctx.without_faults::<Remapped>()?;
    ctx.copy_mapped()
}

fn main() {}
