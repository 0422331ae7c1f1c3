//! G7: a closure that carries its token out.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn with_any_fault<P: Platform>(_hook: impl for<'f> FnOnce(FaultCtx<'f, P, Mixed>)) {}

fn steal<P: Platform>() {
    let mut kept = None;
    with_any_fault::<P>(|ctx| kept = Some(ctx));
    let _ = kept.map(|ctx| ctx.fail(Errno::EIO));
}

fn main() {}
