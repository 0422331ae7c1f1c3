//! G9, G20: a mapping whose pages are handed back allowed to grow: without VM_DONTEXPAND it would be merged, and its state lost (CVE-2024-46852, CMA heap).
use vmctx::{MmapCtx, Normal, Platform};

fn grow<'m, P: Platform>(ctx: MmapCtx<'m, P, Normal>) -> MmapCtx<'m, P, Normal> {
    ctx.may_expand()
}

fn main() {}
