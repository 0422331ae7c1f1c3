//! G22: a slot of a window, changed under the guard that only keeps it there.
use vmctx::{Backing, Platform, Resident, Table};

fn remap<P: Platform, B: Backing<Platform = P> + Default>(resident: Resident<'_, P, Table<B>>, slot: B) {
    *resident.get_mut::<_, &mut B>(3) = slot;
}

fn main() {}
