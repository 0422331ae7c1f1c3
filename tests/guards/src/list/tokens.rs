//! Tokens: who has one, how often, and for how long.

use crate::weakening::{Weakening, ui};

pub(super) fn weakenings() -> Vec<Weakening> {
    vec![
        ui(
            "fault-token-clone",
            "G7: a fault's token is not copied",
            "src/fault.rs",
            "«#[must_use = \"a fault must be answered: insert something, or `ctx.fail(errno)`\"]\npub struct FaultCtx»",
            "impl<P: Platform, M> Clone for FaultCtx<'_, P, M> { fn clone(&self) -> Self { token(self.frame.0) } }\n#[must_use]\npub struct FaultCtx",
            "token/fault-cloned",
        ),
        ui(
            "fault-token-sent",
            "G7: a fault's token stays with its thread",
            "src/fault.rs",
            "thread: PhantomData<«*mut FaultCtx<'static, P, M>»>",
            "fn() -> P",
            "token/fault-sent",
        ),
        ui(
            "brand-covariant",
            "G4: an answer is its own fault's",
            "src/token.rs",
            "PhantomData<«fn(&'f ()) -> &'f ()»>",
            "&'f ()",
            "answer/of-another-fault",
        ),
        ui(
            "fault-insert-page-any-kind",
            "G9: pages are inserted into a `Mixed` mapping",
            "src/fault.rs",
            "pub fn insert_page(self, page: &P::Page) -> VmFault<'f>\n    where\n        M: «HoldsPages»",
            "",
            "kind/fault-insert-page-normal",
        ),
        ui(
            "fault-insert-page-ref",
            "G5: one fault, one answer",
            "src/fault.rs",
            "pub fn insert_page«(self», page: &P::Page) -> VmFault<'f>",
            "(&self",
            "fault/answered-twice",
        )
        .and(
            "src/fault.rs",
            "P::vmf_insert_page(self.fault(), self.frame.0.page_address(), page);\n        «self.answer(code)»",
            "self.frame.0.answer(code)",
        ),
    ]
}
