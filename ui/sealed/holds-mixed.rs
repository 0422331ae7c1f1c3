//! G9, G17: mixed frames allowed into a kind of the driver's own.
use vmctx::kind::HoldsMixed;

enum Framebuffer {}

impl HoldsMixed for Framebuffer {}

fn main() {}
