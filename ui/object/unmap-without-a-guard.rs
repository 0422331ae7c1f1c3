//! G22: access that is revoked by a flag, and an unmapping that a fault can overtake.
use core::sync::atomic::{AtomicBool, Ordering};

use vmctx::{MaySleep, PageCount, PageOffset, Platform, SharedObject};

fn switch_off<P: Platform>(on: &AtomicBool, object: &SharedObject<P>, pages: PageCount, may_sleep: MaySleep<'_>) {
    on.store(false, Ordering::Release);
    object.unmap(PageOffset::ZERO, pages, may_sleep);
}

fn main() {}
