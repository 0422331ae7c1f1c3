//! G1, G8: the mmap hook's line, pasted into a fault with its `?`.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> Result<(), Errno> {
    ctx.fill_at_pgoff(pages)?;
    Ok(())
}

fn main() {}
