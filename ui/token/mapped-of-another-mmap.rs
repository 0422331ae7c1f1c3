//! G6: one mmap's success reported for another.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'a, 'b: 'a, P: Platform>(_a: MmapCtx<'a, P>, b: MmapCtx<'b, P, Mixed>) -> Result<Mapped<'a>, Errno> {
    b.finish()
}

fn main() {}
