//! G11: a prefault is a favour, not a `Result`.
use vmctx::{Errno, FaultCtx, Mixed, PageOffset, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: &P::Page, next: PageOffset) -> Result<(), Errno> {
    ctx.prefault_page(next, page)?;
    Ok(())
}

fn main() {}
