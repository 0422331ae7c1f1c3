//! G4: an answer's lifetime is its fault's, and no other: not even a shorter one.
use vmctx::VmFault;

fn shorten<'long: 'short, 'short>(answer: VmFault<'long>) -> VmFault<'short> {
    answer
}

fn main() {}
