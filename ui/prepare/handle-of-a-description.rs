//! G25: nor is there one when the mapping is described.
use vmctx::{Errno, Handle, Mixed, Platform, PrepareCtx};

fn mmap_prepare<P: Platform>(ctx: PrepareCtx<'_, P>, handle: &mut Option<Handle<P, Mixed>>) -> Result<(), Errno> {
    let prepared = ctx.by_faults::<Mixed>()?;
    *handle = Some(prepared.handle()?);
    Ok(())
}

fn main() {}
