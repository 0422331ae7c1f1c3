//! G14: the mmap hook reaches no other mapping, by handle.
use vmctx::{Errno, Handle, Mixed, MmapCtx, PageOffset, Platform};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    ctx: &mut MmapCtx<'_, P, Mixed>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    handle.lock(ctx)?.insert_page(at, page)
}

fn main() {}
