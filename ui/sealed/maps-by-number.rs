//! G19: a type cannot make itself one that debuggers reach by number.

use vmctx::kind::MapsByNumber;

enum Framebuffer {}

impl MapsByNumber for Framebuffer {}

fn main() {}
