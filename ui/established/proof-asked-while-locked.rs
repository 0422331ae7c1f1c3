//! G14: with a mapping locked, the proof proves nothing.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    memory: &P::Memory,
) -> Result<(), Errno> {
    let _mapped = handle.lock(unlocked)?;
    let _page = P::alloc_page(memory, unlocked.may_sleep())?;
    Ok(())
}

fn main() {}
