//! G4: another code put into a real answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    VmFault { bits: 0x100, ..ctx.insert_page(page) }
}

fn main() {}
