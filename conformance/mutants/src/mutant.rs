//! What a mutant is: a rule, and the code that keeps it, with other code in its place.

/// A platform that is wrong in one way.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// The rule that it breaks, in words of the page that has it.
    pub(crate) breaks: &'static str,
    pub(crate) edits: Vec<Edit>,
    /// Why nobody notices; without, it has to be caught.
    pub(crate) unnoticed: Option<&'static str>,
}

/// A change of one expression of the sources.
pub(crate) struct Edit {
    /// The file, from the root of the repository.
    pub(crate) file: &'static str,
    /// A text that is in the file once. What stands in it between `«` and `»` is replaced, or all of it.
    pub(crate) keeps: &'static str,
    /// An expression of the same type.
    pub(crate) breaks: &'static str,
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
