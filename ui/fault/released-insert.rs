//! G12: inserting into a mapping whose lock was given up: it may be gone.
use vmctx::{FaultCtx, Mixed, Platform, Release, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    match ctx.release() {
        Release::Released(released) => released.insert_page(page),
        Release::NoWait(answer) => answer,
        Release::Keep(ctx) => ctx.insert_page(page),
    }
}

fn main() {}
