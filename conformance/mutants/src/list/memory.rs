//! Pages, their references, and how long states live.

use super::{FORK, INSERT, MEMORY, MM, PAGING, PLATFORM, VMA};
use crate::mutant::{Mutant, mutant};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant(
            "page-not-zeroed",
            "alloc_page: a fresh page is zeroed",
            MEMORY,
            "frame.bytes.get().into_iter().flatten().for_each(|byte| byte.store(0, Ordering::Relaxed))",
            "()",
        ),
        mutant("pfn-of-another-page", "page_pfn: the number is the page's", PLATFORM, "page.pfn()", "page.pfn() + 1"),
        mutant(
            "only-reference-always",
            "is_only_reference: not while a mapping has one",
            PLATFORM,
            "page.references() == 1",
            "true",
        ),
        mutant(
            "page-without-reference",
            "vm_insert_page: the mapping takes a reference",
            INSERT,
            "self.put(address, self.entry(pfn, self.prot, «true»), mkwrite)",
            "false",
        ),
        mutant(
            "reference-left-behind",
            "what is taken out puts its reference",
            PAGING,
            "machine.put_mapped(pte.pfn)",
            "()",
        ),
        mutant(
            "ram-by-number-not-counted",
            "vm_insert_mixed: RAM is referenced",
            INSERT,
            "self.insert_ram(address, pfn, mkwrite)",
            "self.put(address, self.entry(pfn, self.prot, false), mkwrite)",
        ),
        mutant(
            "free-frame-inserted",
            "vmf_insert_mixed: RAM that nobody has is refused",
            MEMORY,
            "(references != 0).then_some(references + 1)",
            "Some(references + 1)",
        )
        .unnoticed("whoever makes a FrameSource vouches for its frames: a driver has no number of a free one"),
        mutant(
            "hole-inserted",
            "remap_pfn_range: a number of nothing is refused",
            INSERT,
            "match «self.machine().kind(pfn)» {\n            None => return",
            "Some(FrameKind::Device)",
        ),
        mutant(
            "child-without-reference",
            "fork: each entry of a page has a reference",
            FORK,
            "unsafe { fill(&**child.table(), twin, copy) }",
            "twin.set(Some(copy))",
        ),
        mutant(
            "state-never-dropped",
            "establish: the state is dropped with the last mapping",
            VMA,
            "drop(operations)",
            "std::mem::forget(operations)",
        ),
        mutant(
            "state-dropped-first",
            "establish: zap first, then drop the state",
            MM,
            "let mut vmas = «space.vmas.take(range)»;",
            "{ let mut taken = space.vmas.take(range); Vma::close_all(&mut taken); taken }",
        ),
    ]
}
