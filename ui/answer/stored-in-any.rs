//! G4: an answer hidden behind `dyn Any`, whose type forgets the fault.
use vmctx::VmFault;

fn hide(_: &dyn core::any::Any) {}

fn remember<'f>(answer: VmFault<'f>) {
    hide(&answer)
}

fn main() {}
