//! G4: taking an answer apart with a pattern.
use vmctx::VmFault;

fn look(answer: VmFault<'_>) -> u32 {
    match answer {
        VmFault { bits, .. } => bits,
    }
}

fn main() {}
