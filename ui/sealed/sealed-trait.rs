//! G17: the sealing trait itself cannot be named.
use vmctx::kind::sealed::Kind;

enum Framebuffer {}

impl Kind for Framebuffer {}

fn main() {}
