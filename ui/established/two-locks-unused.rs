//! G14: two locks at once, though the first is not used any more: it is held until it is dropped.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    one: &Handle<P, Mixed>,
    other: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
) -> Result<(), Errno> {
    let _first = one.lock(unlocked)?;
    let _second = other.lock(unlocked)?;
    Ok(())
}

fn main() {}
