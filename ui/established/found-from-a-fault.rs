//! G14: a fault reaches no other mapping, by address.
use vmctx::{Errno, FaultCtx, Mixed, Platform, UserAddr, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    ctx: &mut FaultCtx<'_, P, Mixed>,
    address: UserAddr,
) -> Result<(), Errno> {
    ctx.find::<V>(address).map(drop)
}

fn main() {}
