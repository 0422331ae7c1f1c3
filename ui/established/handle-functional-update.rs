//! G9, G14: a handle of another kind, made of a real one.
use vmctx::{Handle, Mixed, PfnMap, Platform};

fn ioctl<P: Platform>(handle: Handle<P, PfnMap>) -> Handle<P, Mixed> {
    Handle { ..handle }
}

fn main() {}
