//! G13, G22: what the memory was, by a guard that was gone at the end of the line.
use core::ops::Deref;

use vmctx::{Backing, MaySleep, PageCount, Platform, Revocable};

fn look<P: Platform, B: Backing<Platform = P>>(memory: &Revocable<P, B>, may_sleep: MaySleep<'_>) {
    let backing = memory.resident(may_sleep).deref();
    let _ = backing.spot(PageCount::ZERO);
}

fn main() {}
