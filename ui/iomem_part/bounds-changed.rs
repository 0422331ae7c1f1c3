//! G21, G27: the bounds of a part changed (CVE-2025-38088, memtrace).
use vmctx::{IomemPart, Platform};

fn grow<P: Platform>(object: &mut IomemPart<P>) {
    object.bytes.end += P::PAGE_SIZE;
}

fn main() {}
