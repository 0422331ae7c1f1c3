//! G19: VM_MAYWRITE cleared by hand, as in C, where it was forgotten (CVE-2026-89793, ublk).
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, platform::VmFlags};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.vm_flags_clear(VmFlags::MAYWRITE).without_faults::<Mixed>()?.insert_page(page)?.finish()
}

fn main() {}
