//! G3: Linux's constants are not there to be returned.
use vmctx::VM_FAULT_SIGBUS;

fn main() {}
