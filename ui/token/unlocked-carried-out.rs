//! G7: a closure that carries the proof out of its ioctl.
use vmctx::{Platform, UnlockedCtx};

fn ioctl<P: Platform>(_run: impl for<'u> FnOnce(&mut UnlockedCtx<'u, P>)) {}

fn steal<P: Platform>() {
    let mut kept = None;
    ioctl::<P>(|unlocked| kept = Some(unlocked));
    let _ = kept;
}

fn main() {}
