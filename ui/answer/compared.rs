//! G4: comparing two answers.
use vmctx::VmFault;

fn same(one: VmFault<'_>, other: VmFault<'_>) -> bool {
    one == other
}

fn main() {}
