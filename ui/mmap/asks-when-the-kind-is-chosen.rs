//! G19: what the user asks for, looked at when the rights are decided already (`bpf_map_mmap` counted writers by it).
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page, writers: &mut usize) -> Result<Mapped<'m>, Errno> {
    let mut ctx = ctx.writable().without_faults::<Mixed>()?;
    *writers += usize::from(ctx.is_writable());
    ctx.insert_page(page)?.finish()
}

fn main() {}
