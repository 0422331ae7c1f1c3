//! G9, G17: handing back allowed in a kind of the driver's own.
use vmctx::kind::DeliversPages;

enum Framebuffer {}

impl DeliversPages for Framebuffer {}

fn main() {}
