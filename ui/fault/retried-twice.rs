//! G5: a released fault is answered once, too.
use vmctx::{Mixed, Platform, Released, VmFault};

fn serve<'f, P: Platform>(released: Released<'f, P, Mixed>) -> VmFault<'f> {
    let _first = released.retry();
    released.retry()
}

fn main() {}
