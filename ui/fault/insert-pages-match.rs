//! G1: a batch insertion in a fault, its result taken apart.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> Result<(), Errno> {
    match ctx.insert_pages(pages) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.errno),
    }
}

fn main() {}
