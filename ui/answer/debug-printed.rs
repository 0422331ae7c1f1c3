//! G4: printing an answer, to find its code in the log.
use vmctx::VmFault;

fn require_debug<T: core::fmt::Debug>(_: &T) {}

fn log(answer: &VmFault<'_>) {
    require_debug(answer)
}

fn main() {}
