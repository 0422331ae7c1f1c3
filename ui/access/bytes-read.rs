//! G19: how many bytes were copied is the debugger's to know: the answer is returned, and not looked into.

use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    let accessed = ctx.copy_mapped()?;
    if accessed.bytes == ctx.len() { Ok(accessed) } else { Err(Errno::EIO) }
}

fn main() {}
