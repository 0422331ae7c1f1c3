//! G11: how many pages were prefaulted is no `Result`.
use vmctx::{Errno, FaultCtx, Mixed, PageOffset, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, at: PageOffset, pages: &[P::Page]) -> Result<(), Errno> {
    ctx.prefault_pages(at, pages)?;
    Ok(())
}

fn main() {}
