//! G14: a page lock taken while a mapping is locked: the proof is lent already.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    page: &P::Page,
) -> Result<(), Errno> {
    let _mapped = handle.lock(unlocked)?;
    let _lock = unlocked.lock_page(page);
    Ok(())
}

fn main() {}
