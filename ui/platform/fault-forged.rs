//! G7: a driver cannot make the fault that a token is made of.
use vmctx::Platform;

fn forge<P: Platform>() -> P::Fault {
    Default::default()
}

fn main() {}
