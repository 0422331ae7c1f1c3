//! G22: a slot of a window, changed without taking it back.
use vmctx::{Backing, Platform, Revocable, Table};

fn remap<P: Platform, B: Backing<Platform = P> + Default>(window: &Revocable<P, Table<B>>, slot: B) {
    *window.get_mut::<_, &mut B>(3) = slot;
}

fn main() {}
