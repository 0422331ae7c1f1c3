//! G22: a guard that outlives the memory that was taken back.
use vmctx::{Backing, MaySleep, Platform, Revocable, Revoked};

fn keep<P: Platform, B: Backing<Platform = P>>(
    memory: &Revocable<P, B>,
    may_sleep: MaySleep<'_>,
) -> Revoked<'static, P, B> {
    memory.revoke(may_sleep)
}

fn main() {}
