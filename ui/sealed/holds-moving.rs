//! G9, G13, G17: a kind that claims to hold memory that moves.
use vmctx::kind::HoldsRevocable;

enum Framebuffer {}

impl HoldsRevocable for Framebuffer {}

fn main() {}
