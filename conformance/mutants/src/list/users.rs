//! What users' system calls, and debuggers, make of a mapping.

use super::{ENTRY, FAULT, FORK, MM, MPROTECT, MREMAP, REMOTE, VMA};
use crate::mutant::{Mutant, mutant};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant(
            "mprotect-adds-anything",
            "mprotect: EACCES for what the mapping may never have",
            MPROTECT,
            "prot.flags().without(may) != VmFlags::NONE",
            "false",
        ),
        mutant(
            "mprotect-takes-the-cache",
            "mprotect: an entry keeps its cache attribute (G26)",
            MPROTECT,
            "entry.set(Some(Pte { accessible, writable, ..pte }))",
            "entry.set(Some(Pte { accessible, writable, cache: ::vmctx::platform::Cache::WriteBack, ..pte }))",
        ),
        mutant(
            "mprotect-lets-store",
            "mprotect: what is clean is told of its first store",
            MPROTECT,
            "writable || (told && pte.dirty)",
            "writable || told",
        ),
        mutant(
            "everything-grows",
            "mremap: VM_DONTEXPAND is EFAULT",
            MREMAP,
            "vma.flags().intersects(VmFlags::DONTEXPAND | VmFlags::PFNMAP)",
            "false",
        ),
        mutant(
            "moves-without-entries",
            "mremap: what is mapped moves along",
            MREMAP,
            "self.mm().move_entries(&file, from.clone(), to.start)",
            "Ok(())",
        ),
        mutant(
            "child-has-everything",
            "fork: VM_DONTCOPY is not copied",
            FORK,
            "!vma.flags().contains(VmFlags::DONTCOPY)",
            "true",
        ),
        mutant(
            "child-has-nothing",
            "fork: what drivers have inserted is copied",
            FORK,
            "live && needs_copy(vma)",
            "false",
        ),
        mutant(
            "copy-not-opened",
            "fork, cut, move: the open hook is called",
            VMA,
            "twin.operations.as_deref().is_none_or(|operations| twin.tell_of(operations).is_ok())",
            "true",
        ),
        mutant(
            "cut-unasked",
            "entry::may_split: asked before a cut",
            VMA,
            "hook::enter(Hook::MaySplit, || operations.may_split(PageOffset::new(at)))",
            "Ok(())",
        ),
        mutant(
            "munmap-leaves-entries",
            "munmap: nothing is mapped any more",
            MM,
            "self.table.zap(&vma.range(), true)",
            "()",
        ),
        mutant(
            "access-not-clamped",
            "entry::access: one page of the mapping at a time",
            ENTRY,
            "buffer.reborrow().split_at(len).0",
            "buffer.reborrow()",
        ),
        mutant(
            "access-unchecked",
            "entry::access: no store where VM_WRITE is not",
            ENTRY,
            "!range.contains(&address) || !flags.contains(needed)",
            "false",
        ),
        mutant(
            "debugger-writes-anything",
            "a debugger stores where the user may, or to copies",
            REMOTE,
            "flags.contains(VmFlags::WRITE) || flags.is_cow()",
            "true",
        ),
        mutant(
            "debugger-touches-frames",
            "a debugger's access faults nothing in of VM_IO",
            REMOTE,
            "flags.intersects(VmFlags::IO | VmFlags::PFNMAP)",
            "false",
        ),
        mutant(
            "debugger-gives-the-right",
            "a debugger's store gives the user no right",
            FAULT,
            "area.prot.is_writable() || (write && area.flags.contains(VmFlags::WRITE))",
            "area.prot.is_writable() || write",
        ),
    ]
}
