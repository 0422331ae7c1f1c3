//! G7, G14: a page lock stored in the mapping's state, to be given back by another hook.
use vmctx::{PageLock, Platform};

struct State<P: Platform> {
    locked: Option<PageLock<'static, P>>,
}

fn ioctl<P: Platform>(state: &mut State<P>, lock: PageLock<'_, P>) {
    state.locked = Some(lock);
}

fn main() {}
