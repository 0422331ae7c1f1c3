//! G7, G14: an ioctl is handed the proof that no hook is running, and does not construct it.
use vmctx::{Platform, UnlockedCtx};

fn forge<'u, P: Platform>() -> UnlockedCtx<'u, P> {
    UnlockedCtx::new()
}

fn main() {}
