//! G9, G17: a kind that claims the hooks of pages.
use vmctx::kind::MapsPages;

enum Framebuffer {}

impl MapsPages for Framebuffer {}

fn main() {}
