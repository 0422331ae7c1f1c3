//! G7, G18: the entry point that makes tokens is the platform's to call.
use vmctx::{Errno, MmapFile, Platform, entry};

fn forge<P: Platform, F: MmapFile<Platform = P>>(file: &F, vma: &mut P::Vma) -> Result<(), Errno> {
    entry::mmap(file, vma)
}

fn main() {}
