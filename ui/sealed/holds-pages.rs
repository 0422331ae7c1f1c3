//! G9, G17: pages allowed into a kind of the driver's own.
use vmctx::kind::HoldsPages;

enum Framebuffer {}

impl HoldsPages for Framebuffer {}

fn main() {}
