//! G10, G27: a frame asked for by bytes, of registers that do not begin on a page (CVE-2024-41011, amdkfd).
use vmctx::{Frame, IomemPart, Platform};

fn registers<P: Platform>(bar: &IomemPart<P>, offset: usize) -> Option<Frame<'_, P>> {
    bar.frame(offset)
}

fn main() {}
