//! The mutants, by what they break.

mod established;
mod fault;
mod memory;
mod mmap;
mod objects;
mod stores;
mod users;

use crate::mutant::Mutant;

const DESCRIPTION: &str = "src/description.rs";
const ENTRY: &str = "src/entry.rs";
const DEFAULTS: &str = "src/platform.rs";
const ESTABLISHED: &str = "platforms/hosted/src/established.rs";
const FAULT: &str = "platforms/hosted/src/fault.rs";
const FORK: &str = "platforms/hosted/src/fork.rs";
const INSERT: &str = "platforms/hosted/src/insert.rs";
const MM: &str = "platforms/hosted/src/mm.rs";
const MMAP: &str = "platforms/hosted/src/mmap.rs";
const MPROTECT: &str = "platforms/hosted/src/mprotect.rs";
const MREMAP: &str = "platforms/hosted/src/mremap.rs";
const OBJECT: &str = "platforms/hosted/src/object.rs";
const PAGING: &str = "platforms/hosted/src/paging.rs";
const PLATFORM: &str = "platforms/hosted/src/platform.rs";
const QUEUE: &str = "platforms/hosted/src/queue.rs";
const REMOTE: &str = "platforms/hosted/src/remote.rs";
const SERVING: &str = "platforms/hosted/src/serving.rs";
const VMA: &str = "platforms/hosted/src/vma.rs";
const MEMORY: &str = "examples/platform/src/memory.rs";

/// All of them.
pub(crate) fn all() -> Vec<Mutant> {
    let all = [
        memory::mutants(),
        mmap::mutants(),
        fault::mutants(),
        stores::mutants(),
        established::mutants(),
        objects::mutants(),
        users::mutants(),
    ];
    all.into_iter().flatten().collect()
}
