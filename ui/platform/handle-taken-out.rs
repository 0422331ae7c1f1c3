//! G14: what a handle keeps to itself.
use vmctx::{Handle, Mixed, Platform};

fn look<P: Platform>(handle: &Handle<P, Mixed>) -> &P::Handle {
    &handle.raw
}

fn main() {}
