//! G3: an errno does not become the answer of `map_pages`.
use vmctx::{Errno, MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    Errno::ENOMEM.into()
}

fn main() {}
