//! G14: whose address space is meant, the proof keeps to itself.
use vmctx::{Platform, UnlockedCtx, UserAddr, VmOperations};

fn find<P: Platform, V: VmOperations<Platform = P>>(unlocked: &UnlockedCtx<'_, P>, address: UserAddr) {
    let _mapped = P::lock_at::<V>(unlocked, address);
}

fn main() {}
