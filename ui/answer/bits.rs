//! G4: reading an answer's bits.
use vmctx::VmFault;

fn look(answer: &VmFault<'_>) -> u32 {
    answer.bits
}

fn main() {}
