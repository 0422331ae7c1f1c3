//! First stores, and private copies.

use super::{ESTABLISHED, FAULT, FORK, PAGING};
use crate::mutant::{Mutant, mutant};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant(
            "delivered-store-untold",
            "page_mkwrite: before a page handed back is mapped",
            FAULT,
            "self.write && shared && registered.page_mkwrite",
            "false",
        ),
        mutant(
            "page-store-untold",
            "page_mkwrite: for a first store to a page",
            FAULT,
            "seen.counted && registered.page_mkwrite",
            "false",
        ),
        mutant(
            "frame-store-untold",
            "pfn_mkwrite: for a first store to a frame",
            FAULT,
            "!seen.counted && registered.pfn_mkwrite",
            "false",
        ),
        mutant(
            "frame-store-told-later",
            "pfn_mkwrite: in the fault that inserts",
            FAULT,
            "«!(self.write && told)»",
            "true",
        )
        .unnoticed("it may be left to a second fault, as C does; only KVM, which faults once, sees the entry between"),
        mutant(
            "write-over-a-change",
            "a store is let through only to the entry that was told of",
            FAULT,
            "if «entry.pte() == Some(seen)» {\n                entry.set(Some(Pte { writable: true",
            "true",
        ),
        mutant(
            "private-store-through",
            "a private store gets a copy",
            FAULT,
            "pte.counted && machine.is_anonymous(pte.pfn) && machine.references(pte.pfn) == 1",
            "true",
        ),
        mutant(
            "copy-of-two",
            "a private copy of two processes is copied again",
            FAULT,
            "pte.counted && machine.is_anonymous(pte.pfn) && machine.references(pte.pfn) == 1",
            "pte.counted && machine.is_anonymous(pte.pfn)",
        ),
        mutant(
            "handed-back-not-copied",
            "a page handed back for a private store is copied",
            FAULT,
            "let copy = if «self.write && !shared» {",
            "false",
        ),
        mutant(
            "child-writes-to-parent",
            "fork: private pages are write-protected on both sides",
            FORK,
            "let protect = «vma.flags().is_cow()»",
            "false",
        ),
        mutant(
            "protects-nothing",
            "established_write_protect: takes the right to write",
            ESTABLISHED,
            "self.everywhere(addresses, P::Table::write_protect)",
            "()",
        ),
        mutant(
            "protects-no-frames",
            "established_write_protect: of frames, too",
            PAGING,
            "«protect(entry, pte)»;\n            } else if",
            "()",
        ),
        mutant(
            "protects-unlocked",
            "established_write_protect: before or after a first store",
            PAGING,
            "page.lock()",
            "()",
        )
        .and(PAGING, "page.unlock()", "()"),
        mutant(
            "protected-stays-dirty",
            "established_write_protect: the next store is a first one",
            PAGING,
            "writable: false, dirty: «false»",
            "{ let pte: Pte = pte; pte.dirty }",
        ),
        mutant(
            "protects-copies",
            "established_write_protect: private copies stay as they are",
            PAGING,
            "} else if «!self.machine().is_anonymous(pte.pfn)» {",
            "true",
        )
        .unnoticed("the next store finds the copy its user's own, and goes on"),
    ]
}
