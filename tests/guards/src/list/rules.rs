//! Rules that hold when drivers run.

use crate::weakening::{Weakening, run};

const DESCRIPTION: &str = "src/description.rs";
const FAULT: &str = "src/fault.rs";

pub(super) fn weakenings() -> Vec<Weakening> {
    vec![
        run(
            "write-granted",
            "G19: a shared mapping is written only if its hook grants it",
            DESCRIPTION,
            "said & GRANTED == 0",
            "false",
        ),
        run(
            "maywrite-kept",
            "G19: an mprotect adds no right to write",
            DESCRIPTION,
            "absent | VmFlags::WRITE",
            "absent",
        ),
        run("grows", "G20: a mapping does not grow", DESCRIPTION, "holds | VmFlags::DONTEXPAND", "holds"),
        run(
            "rights-of-another",
            "G26: an entry has its own mapping's rights",
            FAULT,
            "pub fn insert_pfn_prot(self, frame: Frame<'f, P>, prot: PageProt) -> VmFault<'f>\n    where\n        M: HoldsFrames,\n    {\n        let prot = «prot.with_rights_of(self.page_prot())»;",
            "prot",
        ),
    ]
}
