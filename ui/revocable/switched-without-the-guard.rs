//! G22: access is switched by who has taken the memory back.
use vmctx::{IomemPart, MaySleep, Platform, Revocable, Switched};

fn switch_off<P: Platform>(bar: &Revocable<P, Switched<IomemPart<P>>>, may_sleep: MaySleep<'_>) {
    bar.resident(may_sleep).is_on = false;
}

fn main() {}
