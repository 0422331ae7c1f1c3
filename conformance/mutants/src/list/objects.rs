//! Objects, and where they are mapped.

use super::{FORK, MREMAP, OBJECT, PLATFORM, VMA};
use crate::mutant::{Mutant, mutant};

const UNMAP: &str = "mappings.unmap(&(first.index()..first.index().saturating_add(count.get())), false)";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("unmaps-nothing", "unmap_mapping_range: takes pages out", PLATFORM, UNMAP, "()"),
        mutant(
            "unmaps-copies",
            "unmap_mapping_range: private copies stay",
            PLATFORM,
            UNMAP,
            "mappings.unmap(&(first.index()..first.index().saturating_add(count.get())), true)",
        ),
        mutant(
            "unmaps-one-less",
            "unmap_mapping_range: as many as are asked for",
            PLATFORM,
            UNMAP,
            "mappings.unmap(&(first.index()..first.index().saturating_add(count.get() - 1)), false)",
        ),
        mutant(
            "unmaps-later",
            "unmap_mapping_range: done when it returns",
            PLATFORM,
            UNMAP,
            "{ let (mappings, pages) = (mappings.clone(), first.index()..first.index().saturating_add(count.get())); \
             ::std::thread::spawn(move || mappings.unmap(&pages, false)); }",
        ),
        mutant(
            "unmaps-in-one-place",
            "unmap_mapping_range: out of every mapping",
            OBJECT,
            "place.table.zap(&place.addresses(pages), even_cows);\n            «false»",
            "true",
        ),
        mutant(
            "child-not-unmapped",
            "unmap_mapping_range: of a child, too",
            FORK,
            "mappings.link(twin.number(), twin.place())",
            "()",
        ),
        mutant(
            "part-not-unmapped",
            "unmap_mapping_range: of both parts of a mapping that was cut",
            VMA,
            "mappings.link(upper.number, upper.place())",
            "()",
        ),
        mutant(
            "moved-not-unmapped",
            "unmap_mapping_range: of a mapping that has moved",
            MREMAP,
            "space.vmas.insert(moved)",
            "space.vmas.put(moved)",
        ),
    ]
}
