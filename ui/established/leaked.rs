//! G14: a locked mapping that is leaked is not locked for ever: it borrows the proof.
use vmctx::{Errno, EstablishedCtx, Handle, Mixed, Platform, UnlockedCtx};

fn leak<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
) -> Result<&'static EstablishedCtx<'static, P, Mixed>, Errno> {
    Ok(Box::leak(Box::new(handle.lock(unlocked)?)))
}

fn main() {}
