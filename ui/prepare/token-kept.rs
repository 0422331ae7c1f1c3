//! G25, G7: a token is not kept for `mapped`.
use std::sync::Mutex;

use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

struct File<P: Platform>(Mutex<Option<PrepareCtx<'static, P>>>);

impl<P: Platform> File<P> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        *self.0.lock().unwrap() = Some(ctx);
        Err(Errno::EAGAIN)
    }
}

fn main() {}
