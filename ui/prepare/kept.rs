//! G25, G7: a description is not kept for another mapping.
use std::sync::Mutex;

use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

struct File<P: Platform + 'static>(Mutex<Option<Prepared<'static, P, Mixed>>>);

impl<P: Platform> File<P> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        *self.0.lock().unwrap() = Some(ctx.by_faults()?);
        Err(Errno::EAGAIN)
    }
}

fn main() {}
