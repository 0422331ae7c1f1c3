//! G9, G17: remapping allowed in a kind of the driver's own.
use vmctx::kind::RemapsWhole;

enum Framebuffer {}

impl RemapsWhole for Framebuffer {}

fn main() {}
