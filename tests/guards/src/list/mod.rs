//! The weakenings, by what they give up.

mod rules;
mod tokens;

use crate::weakening::Weakening;

/// All of them.
pub(crate) fn all() -> Vec<Weakening> {
    let all = [tokens::weakenings(), rules::weakenings()];
    all.into_iter().flatten().collect()
}
