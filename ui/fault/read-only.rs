//! G8: refusing writers when the mapping has long been made.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) -> Result<(), Errno> {
    let _ctx = ctx.read_only()?;
    Ok(())
}

fn main() {}
