//! G14, G17: a helper for both hooks does not serve an ioctl.
use vmctx::{InsertPoint, MappedCtx, Mixed, Platform};

fn place<I: InsertPoint>(_: I) {}

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, Mixed>) {
    place(mapped)
}

fn main() {}
