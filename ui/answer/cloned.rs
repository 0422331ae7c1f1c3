//! G4: a second copy of an answer.
use vmctx::VmFault;

fn twice<'f>(answer: &VmFault<'f>) -> VmFault<'f> {
    answer.clone()
}

fn main() {}
