//! G4: another code written into a real answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let mut answer = ctx.insert_page(page);
    answer.bits = 0x100;
    answer
}

fn main() {}
