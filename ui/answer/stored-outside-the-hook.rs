//! G4: a closure that carries the answer out of the hook.
use vmctx::VmFault;

fn with_any_answer(_: impl for<'f> FnMut(VmFault<'f>)) {}

fn collect() {
    let mut kept = None;
    with_any_answer(|answer| kept = Some(answer));
    let _ = kept;
}

fn main() {}
