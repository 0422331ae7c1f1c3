//! G7: a token is handed to a hook, not constructed.
use vmctx::{FaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> FaultCtx<'f, P, Mixed> {
    FaultCtx::new()
}

fn main() {}
