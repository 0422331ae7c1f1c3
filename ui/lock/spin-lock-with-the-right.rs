//! G15: a spin lock is waited for without sleeping, and takes no right to.
use vmctx::{FaultCtx, Mixed, Platform, SpinLock, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &P::SpinLock<Vec<P::Page>>) -> VmFault<'f> {
    let page = pages.lock(ctx.may_sleep())[0].clone();
    ctx.insert_page(&page)
}

fn main() {}
