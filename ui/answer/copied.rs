//! G4: an answer given twice.
use vmctx::VmFault;

fn twice<'f>(answer: VmFault<'f>) -> (VmFault<'f>, VmFault<'f>) {
    (answer, answer)
}

fn main() {}
