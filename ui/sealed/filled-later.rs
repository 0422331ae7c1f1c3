//! G9: a type cannot make itself one that faults fill.

use vmctx::kind::FilledLater;

enum Framebuffer {}

impl FilledLater for Framebuffer {}

fn main() {}
