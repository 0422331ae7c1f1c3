//! G14, G18: the entry point that makes the proof is `unsafe`.
#![forbid(unsafe_code)]
use vmctx::{Errno, FaultCtx, Handle, Mixed, Platform, VmFault, entry};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, caller: P::Caller, handle: &Handle<P, Mixed>) -> VmFault<'f> {
    entry::unlocked(caller, |unlocked| drop(handle.lock(unlocked)));
    ctx.fail(Errno::EIO)
}

fn main() {}
