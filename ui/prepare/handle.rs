//! G25: a prepare hook has no handle to keep.
use std::sync::Mutex;

use vmctx::{Errno, Handle, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    handles: &Mutex<Vec<Handle<P, Mixed>>>,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    handles.lock().unwrap().push(ctx.handle()?);
    ctx.by_faults()
}

fn main() {}
