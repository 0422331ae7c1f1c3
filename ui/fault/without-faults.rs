//! G8, G9: choosing another kind from a fault.
use vmctx::{Errno, FaultCtx, Mixed, PfnMap, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) -> Result<(), Errno> {
    let _ctx = ctx.without_faults::<PfnMap>()?;
    Ok(())
}

fn main() {}
