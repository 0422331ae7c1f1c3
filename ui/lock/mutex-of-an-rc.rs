//! G7: whoever takes a lock has its value, in whatever thread, so the value must be able to go there.
use std::rc::Rc;

use vmctx::Platform;

struct Shared<P: Platform>(P::Mutex<Rc<u32>>);

fn main() {}
