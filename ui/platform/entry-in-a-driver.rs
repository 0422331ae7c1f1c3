//! G7, G18: the same with `unsafe`, in a driver that has none.
#![forbid(unsafe_code)]
use vmctx::{Errno, MmapFile, Platform, entry};

fn forge<P: Platform, F: MmapFile<Platform = P>>(file: &F, vma: &mut P::Vma) -> Result<(), Errno> {
    unsafe { entry::mmap(file, vma) }
}

fn main() {}
