//! G5: an error after the fault was answered.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let answer = ctx.insert_page(page);
    if answer.already_present() { ctx.fail(Errno::EBUSY) } else { answer }
}

fn main() {}
