//! G14: a second mapping found while the first is locked.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx, UserAddr, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    address: UserAddr,
) -> Result<(), Errno> {
    let _first = handle.lock(unlocked)?;
    let _second = unlocked.find::<V>(address)?;
    Ok(())
}

fn main() {}
