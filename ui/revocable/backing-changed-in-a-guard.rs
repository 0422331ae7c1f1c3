//! G22: switched off under the guard that only keeps it there, with users that have it mapped.
use vmctx::{Backing, Errno, PageCount, Platform, Resident, Spot};

struct Bar {
    on: bool,
}

fn switch_off<P: Platform>(resident: &mut Resident<'_, P, Switched<P>>) {
    resident.bar.on = false;
}

struct Switched<P: Platform> {
    bar: Bar,
    page: P::Page,
}

impl<P: Platform> Backing for Switched<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        if self.bar.on { Ok(Spot::Page(&self.page)) } else { Err(Errno::EIO) }
    }
}

fn main() {}
