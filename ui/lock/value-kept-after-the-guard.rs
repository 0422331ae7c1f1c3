//! G7: what a lock guards is reached while it is held, and not afterwards.
use vmctx::{Platform, SpinLock};

fn first<P: Platform>(pages: &P::SpinLock<Vec<P::Page>>) -> Option<&P::Page> {
    let held = pages.lock();
    held.first()
}

fn main() {}
