//! What a weakening is: a guard of the core, and the code without it.

use vmctx_mutants::Edit;

/// A core that guards less in one way.
pub(crate) struct Weakening {
    pub(crate) name: &'static str,
    /// What no longer holds, with the number of the guarantee where it has one.
    pub(crate) gives_up: &'static str,
    pub(crate) edits: Vec<Edit>,
    pub(crate) noticed: Noticed,
}

/// Who has to notice.
#[derive(Clone, Copy)]
pub(crate) enum Noticed {
    /// This wrong usage, by its place under `ui/`: it compiles, or its error begins in another way.
    Ui(&'static str),
    /// This test of `vmctx-tests`, `program` or `program::function`: it does not compile, or fails.
    Test(&'static str),
    /// The first test that fails of those that run drivers. The rule is one of a run, so that all of these weakenings
    /// are compiled into one program.
    Run,
}

impl Weakening {
    /// The same, with one more change.
    pub(crate) fn and(mut self, file: &'static str, keeps: &'static str, breaks: &'static str) -> Self {
        self.edits.push(Edit { file, keeps, breaks });
        self
    }
}

/// A weakening that a wrong usage notices.
pub(crate) fn ui(
    name: &'static str,
    gives_up: &'static str,
    file: &'static str,
    keeps: &'static str,
    breaks: &'static str,
    case: &'static str,
) -> Weakening {
    Weakening { name, gives_up, edits: vec![Edit { file, keeps, breaks }], noticed: Noticed::Ui(case) }
}

/// A weakening that this test notices.
pub(crate) fn test(
    name: &'static str,
    gives_up: &'static str,
    file: &'static str,
    keeps: &'static str,
    breaks: &'static str,
    test: &'static str,
) -> Weakening {
    Weakening { name, gives_up, edits: vec![Edit { file, keeps, breaks }], noticed: Noticed::Test(test) }
}

/// A weakening that a run of drivers notices.
pub(crate) fn run(
    name: &'static str,
    gives_up: &'static str,
    file: &'static str,
    keeps: &'static str,
    breaks: &'static str,
) -> Weakening {
    Weakening { name, gives_up, edits: vec![Edit { file, keeps, breaks }], noticed: Noticed::Run }
}
