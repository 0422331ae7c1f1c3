//! G8, G19: a store's frame made writable by the fault hook, past the hook that is told of stores.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    if ctx.is_write() { ctx.insert_pfn_mkwrite(frame) } else { ctx.insert_pfn(frame) }
}

fn main() {}
