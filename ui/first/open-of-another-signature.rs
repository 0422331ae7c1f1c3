//! G23: An open hook says nothing of how it went.
//! At: `Hooks::NONE.open(Self::open)`
//! Write instead: `Result<(), Errno>`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn open(&self) {}
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
