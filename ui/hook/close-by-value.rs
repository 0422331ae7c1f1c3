//! G23: the state belongs to all the VMAs that share it, and `close` is called for each of them.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn close(self) {}
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
}

fn main() {}
