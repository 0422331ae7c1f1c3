//! G22: a state that names another platform's object.
use vmctx::{Hooks, Mixed, Platform, SharedObject, VmOperations};

struct State<P: Platform, Q: Platform> {
    object: SharedObject<Q>,
    page: P::Page,
}

impl<P: Platform, Q: Platform> VmOperations for State<P, Q> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.object));
}

fn main() {}
