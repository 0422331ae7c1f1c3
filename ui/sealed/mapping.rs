//! G17: a kind of the driver's own.
use vmctx::kind::{Kind, Mapping};

enum Framebuffer {}

impl Mapping for Framebuffer {
    const KIND: Kind = Kind::Mixed;
}

fn main() {}
