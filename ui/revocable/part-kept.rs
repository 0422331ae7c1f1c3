//! G22: a guard of a part that outlives its table.
use vmctx::{Backing, Errno, MaySleep, Platform, Revocable, RevokedPart, Table};

fn keep<P: Platform, B: Backing<Platform = P> + Default>(
    window: &Revocable<P, Table<B>>,
    may_sleep: MaySleep<'_>,
) -> Result<RevokedPart<'static, P, B>, Errno> {
    window.revoke_part(0..1, may_sleep)
}

fn main() {}
