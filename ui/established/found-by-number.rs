//! G10, G14: an address is a user's, not any number.
use vmctx::{Errno, Platform, UnlockedCtx, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(unlocked: &mut UnlockedCtx<'_, P>) -> Result<(), Errno> {
    unlocked.find::<V>(0x7000_0000_0000).map(drop)
}

fn main() {}
