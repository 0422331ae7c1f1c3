//! G14: a handle made up.
use vmctx::{Handle, Mixed, Platform};

fn ioctl<P: Platform>() -> Handle<P, Mixed> {
    Handle {}
}

fn main() {}
