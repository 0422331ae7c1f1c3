//! G23: The hook `close` is written beside `fault`.
//! At: `fn close`
//! Write instead: `Hooks::NONE.close(Self::close)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn close(&self) {}
}

fn main() {}
