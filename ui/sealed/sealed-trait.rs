//! G17: the sealing trait itself cannot be named.
use vmctx::kind::sealed::KnownKind;

enum Framebuffer {}

impl KnownKind for Framebuffer {}

fn main() {}
