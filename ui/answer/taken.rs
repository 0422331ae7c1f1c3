//! G4: an answer taken out of its place, which would leave a made-up one.
use vmctx::VmFault;

fn take<'f>(answer: &mut VmFault<'f>) -> VmFault<'f> {
    core::mem::take(answer)
}

fn main() {}
