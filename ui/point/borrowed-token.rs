//! G5, G17: a borrowed token is no place to insert.
use vmctx::{FaultCtx, InsertPoint, Mixed, Platform};

fn place<I: InsertPoint>(_at: I) {}

fn serve<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) {
    place(ctx)
}

fn main() {}
