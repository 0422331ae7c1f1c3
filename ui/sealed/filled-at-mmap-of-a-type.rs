//! G6: a type cannot make itself one that `finish` vouches for.

use vmctx::kind::FilledAtMmap;

enum Framebuffer {}

impl FilledAtMmap for Framebuffer {}

fn main() {}
