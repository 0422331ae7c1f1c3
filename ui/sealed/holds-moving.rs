//! G9, G13, G17: a kind that claims to hold memory that moves.
use vmctx::kind::HoldsMoving;

enum Framebuffer {}

impl HoldsMoving for Framebuffer {}

fn main() {}
