//! G4: matching an answer against a code.
use vmctx::{VmFault, platform::FaultCode};

fn is_sigbus(answer: VmFault<'_>) -> bool {
    matches!(answer, FaultCode::SIGBUS)
}

fn main() {}
