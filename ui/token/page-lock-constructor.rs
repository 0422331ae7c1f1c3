//! G7, G18: what makes page locks is not the driver's to call.
use vmctx::{PageLock, Platform};

fn forge<'l, P: Platform>(caller: &'l P::Caller, page: &P::Page) -> PageLock<'l, P> {
    vmctx::page_lock::caller_lock_page(caller, page)
}

fn main() {}
