//! G14: a mapping found under the page lock.
use vmctx::{Errno, Platform, UnlockedCtx, UserAddr, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    unlocked: &mut UnlockedCtx<'_, P>,
    address: UserAddr,
    page: &P::Page,
) -> Result<(), Errno> {
    let _lock = unlocked.lock_page(page);
    let _mapped = unlocked.find::<V>(address)?;
    Ok(())
}

fn main() {}
