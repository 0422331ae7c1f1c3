//! What a mutant is: a rule, and the code that keeps it, with other code in its place.

use vmctx_mutants::Edit;

/// A platform that is wrong in one way.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// The rule that it breaks, in words of the page that has it.
    pub(crate) breaks: &'static str,
    pub(crate) edits: Vec<Edit>,
    /// Why nobody notices; without, it has to be caught.
    pub(crate) unnoticed: Option<&'static str>,
}

/// A mutant that has to be caught: in a file, the expression `keeps` becomes `with`.
pub(crate) fn mutant(
    name: &'static str,
    breaks: &'static str,
    file: &'static str,
    keeps: &'static str,
    with: &'static str,
) -> Mutant {
    Mutant { name, breaks, edits: vec![Edit { file, keeps, breaks: with }], unnoticed: None }
}

impl Mutant {
    /// The same, with one more change.
    pub(crate) fn and(mut self, file: &'static str, keeps: &'static str, breaks: &'static str) -> Self {
        self.edits.push(Edit { file, keeps, breaks });
        self
    }

    /// Nobody can notice it, and why.
    pub(crate) fn unnoticed(self, why: &'static str) -> Self {
        Self { unnoticed: Some(why), ..self }
    }
}
