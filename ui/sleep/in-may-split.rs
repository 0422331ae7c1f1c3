//! G15: a hook without a token has no right to sleep to give.
use vmctx::{Errno, Hooks, Mixed, PageOffset, Platform, RwLock, VmOperations};

struct Meter<P: Platform> {
    cuts: P::RwLock<u32>,
}

impl<P: Platform> Meter<P> {
    fn may_split(&self, _at: PageOffset) -> Result<(), Errno> {
        *self.cuts.write() += 1;
        Ok(())
    }
}

impl<P: Platform> VmOperations for Meter<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(Self::may_split);
}

fn main() {}
