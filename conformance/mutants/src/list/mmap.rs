//! The VMA that is being made: flags, the state, insertions, and a mmap that fails.

use super::{DEFAULTS, DESCRIPTION, INSERT, MMAP, PLATFORM, VMA};
use crate::mutant::{Mutant, mutant};

/// Puts a VMA with the one behind it into one, which has the state of one of them. `$special` says which are not merged.
macro_rules! merges {
    ($if:literal) => {
        concat!(
            "{ let next = lock.vmas().iter().find(|next| ",
            $if,
            " next.start() == vma.range().end && next.flags() == vma.flags()",
            " && next.pgoff() == vma.pgoff() + vma.pages()).map(Vma::start);",
            " match next.and_then(|next| lock.vmas.take(&(next..next + 1)).pop()) {",
            " Some(next) => { let range = vma.start()..next.range().end;",
            " let both = next.duplicate(range, vma.pgoff(), next.table());",
            " next.unlink(); vma.unlink(); lock.vmas.insert(both); }",
            " None => lock.vmas.put(vma) } }"
        )
    };
}

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant(
            "flags-not-cleared",
            "vma_change_flags: clears flags",
            VMA,
            "(self.flags | set).without(clear)",
            "self.flags | set",
        ),
        mutant(
            "flags-not-set",
            "vma_change_flags: sets flags",
            VMA,
            "(self.flags | set).without(clear)",
            "self.flags.without(clear)",
        ),
        mutant(
            "grant-not-needed",
            "G19: without a grant nobody ever writes",
            DESCRIPTION,
            "said & GRANTED == 0",
            "false",
        ),
        mutant("neighbours-merged", "G20: a VMA with a state is not merged", MMAP, "lock.vmas.put(vma)", merges!("")),
        mutant(
            "no-barrier-against-merging",
            "G20: each kind has a flag against merging",
            DESCRIPTION,
            "holds | «VmFlags::DONTEXPAND»",
            "VmFlags::NONE",
        )
        .and(VMA, "!self.flags.intersects(VmFlags::SPECIAL)", "false")
        .and(MMAP, "lock.vmas.put(vma)", merges!("!vma.flags().intersects(VmFlags::SPECIAL) &&")),
        mutant(
            "establish-checks-no-flag",
            "establish: EINVAL without a flag against merging",
            VMA,
            "!self.flags.intersects(VmFlags::SPECIAL)",
            "false",
        )
        .unnoticed("the core has set one; the check is the platform's of itself"),
        mutant(
            "object-of-another-file",
            "vma_is_of: whether the object is the file's",
            PLATFORM,
            "vma.is_of(object)",
            "true",
        ),
        mutant("not-opened", "establish: calls the open hook", VMA, "self.tell_of(&state)?", "()"),
        mutant(
            "open-failure-ignored",
            "establish: fails with what the open hook says",
            VMA,
            "self.tell_of(&state)?",
            "drop(self.tell_of(&state))",
        ),
        mutant(
            "not-closed",
            "G23: close for each VMA that was opened",
            VMA,
            "panics.catch(|| trace::call(Hook::Close, start, shown, || operations.close()))",
            "()",
        ),
        mutant(
            "closed-unopened",
            "G23: no close where open has failed",
            VMA,
            "if «self.is_live && self.registered.close» {\n                panics",
            "self.registered.close",
        ),
        mutant(
            "told-too-late",
            "establish: where stores are told, nothing is writable",
            VMA,
            "!self.registered().told_of_stores",
            "true",
        ),
        mutant(
            "told-not-in-time",
            "vma_tells_of_stores: what is inserted is not writable",
            PLATFORM,
            "vma.tell_of_stores()",
            "()",
        ),
        mutant(
            "cache-ignored",
            "vma_set_cache: what is inserted has the attribute",
            PLATFORM,
            "vma.set_cache(cache)",
            "()",
        ),
        mutant(
            "offset-ignored",
            "vma_pgoff: the offset of the first page",
            PLATFORM,
            "-> PageOffset {\n                    «vma.pgoff()»",
            "PageOffset::ZERO",
        ),
        mutant("no-handle", "vma_handle: a handle for a mapping with a state", PLATFORM, "vma.handle()", "None"),
        mutant(
            "over-present-succeeds",
            "vm_insert_page: EBUSY if something is there",
            INSERT,
            "«Err(Errno::EBUSY)»\n            }\n        });",
            "Ok(())",
        ),
        mutant(
            "over-present-replaces",
            "vm_insert_page: what is there stays",
            INSERT,
            "«Err(Errno::EBUSY)»\n            }\n        });",
            "{ entry.set(Some(pte)); Err(Errno::EBUSY) }",
        ),
        mutant(
            "pages-in-lost",
            "vm_insert_pages: says how many are in",
            DEFAULTS,
            "Self::vm_insert_page(vma, at, page).map_err(|errno| (errno, done))",
            "Self::vm_insert_page(vma, at, page).map_err(|errno| (errno, done.min(0)))",
        )
        .unnoticed("only a lack of memory ends it, and the mmap has failed then"),
        mutant(
            "zero-page-anywhere",
            "vm_insert_zero_page: EINVAL where it may be written",
            INSERT,
            "if «!self.zero_page_allowed()» {",
            "false",
        ),
        mutant(
            "zero-page-writable",
            "the zero page is never writable",
            INSERT,
            "if «!self.zero_page_allowed()» {",
            "false",
        )
        .and(INSERT, "writable: «false», ..self.entry", "self.prot.is_writable()"),
        mutant(
            "remap-leaves-half",
            "remap_pfn_range: all or nothing",
            INSERT,
            "self.table.zap(&(address..at), true)",
            "()",
        )
        .unnoticed("the token has gone with the failure, and a mmap that fails is emptied"),
        mutant(
            "remap-sets-no-flags",
            "remap_pfn_range: sets VM_IO, VM_PFNMAP, VM_DONTEXPAND",
            MMAP,
            "self.vma.change_flags(set, VmFlags::NONE)",
            "()",
        ),
        mutant(
            "remap-private-part",
            "remap_pfn_range: a copy-on-write mapping as a whole",
            INSERT,
            "self.flags.is_cow() && range != self.range",
            "false",
        )
        .unnoticed("the kinds ask for no part: PfnMap cannot be private, and Remapped is whole"),
        mutant(
            "failed-mmap-leaves-entries",
            "entry::mmap: what a failed hook has inserted goes",
            MMAP,
            "self.mm.table().zap(&self.range, true)",
            "()",
        ),
    ]
}
