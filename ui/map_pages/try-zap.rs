//! G14, G15: zapping sleeps, even where the lock does not have to be waited for.
use vmctx::{Handle, MapPagesCtx, Mixed, PageCount, PageOffset, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, handle: &Handle<P, Mixed>) -> VmFault<'f> {
    let _ = handle.try_zap(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
    ctx.finish()
}

fn main() {}
