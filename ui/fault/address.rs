//! G10: there is no short way to the fault's address.
use vmctx::{FaultCtx, Mixed, Platform, UserAddr};

fn address<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) -> UserAddr {
    ctx.address()
}

fn main() {}
