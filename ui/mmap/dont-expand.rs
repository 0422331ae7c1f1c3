//! G20: growth forbidden by the driver, which could forget it (CVE-2024-46852, CMA heap; i915, 2025).
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.writable().dont_expand().without_faults::<Mixed>()?.fill_at_pgoff(pages)
}

fn main() {}
