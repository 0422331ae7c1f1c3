//! G15: the right to sleep ends with the answer.
use vmctx::{FaultCtx, MaySleep, Mixed, Platform, VmFault};

fn use_it(_: MaySleep<'_>) {}

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let may_sleep = ctx.may_sleep();
    let answer = ctx.insert_page(page);
    use_it(may_sleep);
    answer
}

fn main() {}
