//! G12: a store allowed with a page that an ioctl has locked.
use vmctx::{Mixed, PageLock, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, lock: PageLock<'f, P>) -> VmFault<'f> {
    ctx.allow_locked(lock)
}

fn main() {}
