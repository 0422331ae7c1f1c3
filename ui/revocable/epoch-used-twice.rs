//! G4: one moment gives evidence once.
use vmctx::{Epoch, Backing, MaySleep, Platform};

fn serve<P: Platform, L: Backing<Platform = P>>(epoch: Epoch<'_, '_, P, L>, may_sleep: MaySleep<'_>) {
    let _first = epoch.resident(may_sleep);
    let _second = epoch.resident(may_sleep);
}

fn main() {}
