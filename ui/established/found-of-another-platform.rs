//! G14: operations on another platform.
use vmctx::{Errno, Platform, UnlockedCtx, UserAddr, VmOperations};

fn ioctl<P: Platform, Q: Platform, V: VmOperations<Platform = Q>>(
    unlocked: &mut UnlockedCtx<'_, P>,
    address: UserAddr,
) -> Result<(), Errno> {
    unlocked.find::<V>(address).map(drop)
}

fn main() {}
