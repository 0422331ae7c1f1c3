//! G8: another mapping looked for, with the mmap lock held.
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform, UserAddr, VmOperations};

fn access<'a, P: Platform, V: VmOperations<Platform = P>>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    ctx.find::<V>(UserAddr::new(0))?;
    Err(Errno::EIO)
}

fn main() {}
