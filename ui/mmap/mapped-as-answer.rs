//! G2: a mmap's success is no fault's answer.
use vmctx::{Mixed, MmapCtx, Platform, VmFault};

fn serve<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> VmFault<'m> {
    ctx.fill_later().into()
}

fn main() {}
