//! G14: the mapping's state, kept after its lock was given back.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
) -> Result<(), Errno> {
    let established = handle.lock(unlocked)?;
    let state = established.state::<V>();
    drop(established);
    drop(state);
    Ok(())
}

fn main() {}
