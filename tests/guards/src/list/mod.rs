//! The weakenings, by what they give up.

mod answers;
mod codes;
mod entry;
mod kinds;
mod lifetimes;
mod making;
mod outside;
mod serving;
mod tokens;

use crate::weakening::Weakening;

/// All of them.
pub(crate) fn all() -> Vec<Weakening> {
    let all = [
        tokens::weakenings(),
        answers::weakenings(),
        codes::weakenings(),
        entry::weakenings(),
        kinds::weakenings(),
        lifetimes::weakenings(),
        making::weakenings(),
        serving::weakenings(),
        outside::weakenings(),
    ];
    all.into_iter().flatten().collect()
}
