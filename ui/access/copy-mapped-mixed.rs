//! G9: `generic_access_phys` in a mapping with pages, where Linux gives EINVAL.
use vmctx::{AccessCtx, Accessed, Errno, Mixed, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, Mixed>) -> Result<Accessed<'a>, Errno> {
    ctx.copy_mapped()
}

fn main() {}
