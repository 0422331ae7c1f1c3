//! G14: a handle of another platform.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform, Q: Platform>(handle: &Handle<Q, Mixed>, unlocked: &mut UnlockedCtx<'_, P>) -> Result<(), Errno> {
    handle.lock(unlocked).map(drop)
}

fn main() {}
