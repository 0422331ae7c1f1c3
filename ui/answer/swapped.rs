//! G4: the answers of two faults swapped.
use vmctx::VmFault;

fn swap<'a, 'b: 'a>(a: &mut VmFault<'a>, b: &mut VmFault<'b>) {
    core::mem::swap(a, b)
}

fn main() {}
