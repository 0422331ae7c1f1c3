//! G22: a piece is changed while nobody has it mapped, and not afterwards.
use vmctx::{Errno, MaySleep, OnePage, Platform, Revocable, Table};

type Slots<P> = Revocable<P, Table<Option<OnePage<P>>>>;

fn keep<P: Platform>(slots: &Slots<P>, page: P::Page, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
    let mut kept = None;
    slots.revoke_piece(0, may_sleep, |slot| {
        kept = Some(slot);
        Ok(())
    })?;
    *kept.unwrap() = Some(OnePage(page));
    Ok(())
}

fn main() {}
