//! G7: a debugger's token, from the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{
    Errno, VmOperations, entry,
    platform::{AccessBuffer, AccessedVma},
};

fn forge<V: VmOperations>(state: &V, vma: &dyn AccessedVma, bytes: &mut [u8]) -> Result<usize, Errno> {
    entry::access(state, vma, 0x1000, AccessBuffer::Read(bytes))
}

fn main() {}
