//! G17: a kind of the driver's own.
use vmctx::kind::{Kind, KindValue};

enum Framebuffer {}

impl Kind for Framebuffer {
    const KIND: KindValue = KindValue::Mixed;
}

fn main() {}
