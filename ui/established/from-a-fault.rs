//! G14: a fault reaches no other mapping, by handle.
use vmctx::{Errno, FaultCtx, Handle, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    ctx: &mut FaultCtx<'_, P, Mixed>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    handle.lock(ctx)?.insert_page(at, page)
}

fn main() {}
