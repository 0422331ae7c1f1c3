//! G20: A hook is to follow the mapping when it is moved, as that of fs/aio.c does.
//! At: `Hooks::NONE.mremap(Self::mremap)`
//! Write instead: `unlocked.find::<State>(address)?`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn mremap(&self) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.mremap(Self::mremap);
}

fn main() {}
