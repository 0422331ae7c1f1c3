//! G9, G17: a kind that claims the hooks of frames.
use vmctx::kind::MapsFrames;

enum Framebuffer {}

impl MapsFrames for Framebuffer {}

fn main() {}
