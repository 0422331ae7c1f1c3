//! G14: a page lock carried out of its ioctl.
use vmctx::{Platform, UnlockedCtx};

fn ioctl_of<P: Platform>(_run: impl for<'u> FnOnce(&mut UnlockedCtx<'u, P>)) {}

fn ioctl<P: Platform>(page: &P::Page) {
    let mut kept = None;
    ioctl_of::<P>(|unlocked| kept = Some(unlocked.lock_page(page)));
    drop(kept)
}

fn main() {}
