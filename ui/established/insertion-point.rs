//! G14, G17: a helper for both hooks does not serve an ioctl.
use vmctx::{EstablishedCtx, InsertPoint, Mixed, Platform};

fn place<I: InsertPoint>(_: I) {}

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) {
    place(established)
}

fn main() {}
