//! G8, G9: VMA flags set by hand, as in C.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, platform::VmFlags};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.vm_flags_set(VmFlags::DONTEXPAND | VmFlags::MIXEDMAP).without_faults::<Mixed>()?.insert_page(page)?.finish()
}

fn main() {}
