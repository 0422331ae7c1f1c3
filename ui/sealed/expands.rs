//! G17, G20: a kind of the driver's own that may grow.
use vmctx::kind::Expands;

enum Framebuffer {}

impl Expands for Framebuffer {}

fn main() {}
