//! G19: what the user asks for passed on as the grant, as VM_WRITE is looked at in C (CVE-2022-43750, usbmon).
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(mut ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    let asked = ctx.is_writable();
    ctx.writable(asked).without_faults::<Mixed>()?.insert_page(page)?.finish()
}

fn main() {}
