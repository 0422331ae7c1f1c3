//! G7, G21: what inserts frames twice.
use vmctx::{FrameSlots, PfnMap, Platform};

fn require_clone<T: Clone>(_: T) {}

fn ioctl<P: Platform>(slots: FrameSlots<'_, P, PfnMap>) {
    require_clone(slots)
}

fn main() {}
