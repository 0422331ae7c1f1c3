//! G14: a locked mapping that outlives the proof.
use vmctx::{Errno, EstablishedCtx, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
) -> Result<EstablishedCtx<'static, P, Mixed>, Errno> {
    handle.lock(unlocked)
}

fn main() {}
