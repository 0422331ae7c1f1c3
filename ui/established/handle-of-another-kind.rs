//! G9, G14: a handle of another kind of mapping.
use vmctx::{Handle, Mixed, PfnMap, Platform};

fn keep<P: Platform>(_: Handle<P, Mixed>) {}

fn ioctl<P: Platform>(handle: Handle<P, PfnMap>) {
    keep(handle)
}

fn main() {}
