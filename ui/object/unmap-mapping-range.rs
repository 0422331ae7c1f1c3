//! G22: C's name for it, with C's arguments.
use vmctx::{Platform, SharedObject};

fn revoke<P: Platform>(object: &SharedObject<P>, start: usize, len: usize) {
    object.unmap_mapping_range(start, len);
}

fn main() {}
