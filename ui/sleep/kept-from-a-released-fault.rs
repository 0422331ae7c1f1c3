//! G15: the right to sleep of a fault that is answered.
use vmctx::{Mixed, Platform, Released, VmFault};

fn fault<'f, P: Platform>(released: Released<'f, P, Mixed>, memory: &P::Memory) -> VmFault<'f> {
    let may_sleep = released.may_sleep();
    let answer = released.retry();
    let _page = P::alloc_page(memory, may_sleep);
    answer
}

fn main() {}
