//! G14: a mapping is found by the state that has its operations.
use vmctx::{Errno, Platform, UnlockedCtx, UserAddr};

fn ioctl<P: Platform>(unlocked: &mut UnlockedCtx<'_, P>, address: UserAddr) -> Result<(), Errno> {
    unlocked.find::<u32>(address).map(drop)
}

fn main() {}
