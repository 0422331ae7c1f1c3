//! G14: a locked mapping carried out of its ioctl.
use vmctx::{Handle, Mixed, Platform, UnlockedCtx};

fn ioctl_of<P: Platform>(_run: impl for<'u> FnOnce(&mut UnlockedCtx<'u, P>)) {}

fn ioctl<P: Platform>(handle: &Handle<P, Mixed>) {
    let mut kept = None;
    ioctl_of::<P>(|unlocked| kept = handle.lock(unlocked).ok());
    drop(kept)
}

fn main() {}
