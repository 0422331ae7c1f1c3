//! G14: the mmap hook reaches no other mapping, by address.
use vmctx::{Errno, Mixed, MmapCtx, Platform, UserAddr, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    ctx: &mut MmapCtx<'_, P, Mixed>,
    address: UserAddr,
) -> Result<(), Errno> {
    ctx.find::<V>(address).map(drop)
}

fn main() {}
