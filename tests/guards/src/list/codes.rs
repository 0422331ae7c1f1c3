//! What is worked out at compile time: codes, flags, and which hooks there are.

use crate::weakening::{Weakening, test};

pub(super) fn weakenings() -> Vec<Weakening> {
    vec![
        test(
            "ebusy-is-an-error",
            "a page that is there already is a success of a fault",
            "src/flags.rs",
            "Err(Errno::EBUSY) => «Self(Self::NOPAGE.0 | Self::ALREADY_PRESENT.0)»",
            "Self::SIGBUS",
            "sim",
        ),
        test(
            "enomem-is-a-sigbus",
            "ENOMEM of an insertion is OOM",
            "src/flags.rs",
            "Err(Errno::ENOMEM) => «Self::OOM»",
            "Self::SIGBUS",
            "sim",
        ),
        test(
            "failed-enomem-is-a-sigbus",
            "G3: `fail(ENOMEM)` is OOM",
            "src/flags.rs",
            " Errno::ENOMEM => «Self::OOM»",
            "Self::SIGBUS",
            "sim",
        ),
        test(
            "hwpoison-is-a-sigbus",
            "G3: `fail(EHWPOISON)` is HWPOISON",
            "src/flags.rs",
            "Errno::EHWPOISON => «Self::HWPOISON»",
            "Self::SIGBUS",
            "sim",
        ),
        test(
            "shared-is-cow",
            "a shared mapping has no copies",
            "src/flags.rs",
            "self.contains(Self::MAYWRITE) && «!self.contains(Self::SHARED)»",
            "true",
            "told_platform",
        ),
        test(
            "retried-twice",
            "G12: a fault is retried once",
            "src/flags.rs",
            "self.contains(Self::ALLOW_RETRY) && «!self.contains(Self::TRIED)»",
            "true",
            "smallest_platform",
        ),
        test(
            "foreign-answers",
            "G4: the answer of another fault is told from its own",
            "src/answer.rs",
            "if «answer.bits & !CODE_MASK == serial << SERIAL_SHIFT» {",
            "true",
            "sim",
        ),
        test(
            "already-present-is-inserted",
            "G11: a prefault says that something was there",
            "src/prefault.rs",
            "if «code.contains(FaultCode::ALREADY_PRESENT)» {",
            "false",
            "sim",
        ),
        test(
            "rights-kept",
            "G26: a protection gets its mapping's rights",
            "src/prot.rs",
            "Self { writable: «mapping.writable», ..self }",
            "{ let _ = mapping; self.writable }",
            "sim",
        ),
        test(
            "offsets-of-the-file",
            "G22: offsets count from the object",
            "src/units.rs",
            "Self(«self.0.wrapping_sub(base.0)»)",
            "{ let _ = base; self.0 }",
            "told_platform",
        ),
        test(
            "inner-hooks-lost",
            "a wrapper has the hooks of what it wraps",
            "src/ops.rs",
            "if «inner.page_mkwrite.is_some()» {",
            "false",
            "told_platform",
        ),
        test(
            "hook-not-registered",
            "a hook that is registered is called",
            "src/ops.rs",
            "Self { huge_fault: «Some(hook)», ..self }",
            "{ let _ = hook; None }",
            "sim",
        ),
    ]
}
