//! G7, G21: what inserts frames given to another thread.
use vmctx::{FrameSlots, PfnMap, Platform};

fn require_send<T: Send>(_: T) {}

fn ioctl<P: Platform>(slots: FrameSlots<'_, P, PfnMap>) {
    require_send(slots)
}

fn main() {}
