//! G9, G14: what is found has the kind of V's mappings, and no other.
use vmctx::{Errno, PageOffset, PfnMap, Platform, UnlockedCtx, UserAddr, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P, Kind = PfnMap>>(
    unlocked: &mut UnlockedCtx<'_, P>,
    address: UserAddr,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    unlocked.find::<V>(address)?.insert_page(at, page)
}

fn main() {}
