//! G5: a fault is answered for one page, not for as many as there are.
use vmctx::{FaultCtx, Mixed, Platform};

fn fault<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, pages: &[P::Page]) {
    let mut left = pages.len();
    while left > 0 {
        left -= 1;
        let _answer = ctx.insert_page(&pages[left]);
    }
}

fn main() {}
