//! G9, G17: frames allowed into a kind of the driver's own.
use vmctx::kind::HoldsFrames;

enum Framebuffer {}

impl HoldsFrames for Framebuffer {}

fn main() {}
