//! G14: a page lock that is leaked is held for ever, and so is the proof.
use vmctx::{Errno, Handle, Mixed, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    page: &P::Page,
) -> Result<(), Errno> {
    let leaked = Box::leak(Box::new(unlocked.lock_page(page)));
    let _mapped = handle.lock(unlocked)?;
    let _may_sleep = leaked.may_sleep();
    Ok(())
}

fn main() {}
