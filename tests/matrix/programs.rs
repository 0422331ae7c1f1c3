//! The programs of the cells.

use crate::{
    contexts::{Context, kind},
    table::{Had, Operation, TABLE},
};

/// What every program begins with.
const HEAD: &str = "#![allow(unused, clippy::all)]\nuse vmctx::*;\n";

/// The arguments of which a call takes what it needs. `S` is the kind of a state: that of the token, or any if it is not
/// chosen yet.
const SIGNATURE: &str = "<'c, P: Platform, V: VmOperations<Platform = P, Kind = S>>(mut ctx: CTX, page: &'c P::Page, \
    pages: &'c [P::Page], frame: Frame<'c, P>, frames: FrameRange<'c, P>, prot: PageProt, at: PageOffset, \
    count: PageCount, object: &'c SharedObject<P>, ticket: Ticket<'c, P::WaitQueue>, waited: Waited<'c>, \
    locked: LockedPage<'c, P>, memory: &'c P::Iomem, part: &'c IomemPart<P>, address: UserAddr, state: V, \
    shared: P::Ref<V>, unlocked: &'c mut UnlockedCtx<'c, P>, may_sleep: MaySleep<'c>)";

/// An operation, in a context, of a kind.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) operation: &'static Operation,
    pub(crate) context: Context,
    pub(crate) kind: char,
}

/// All of them.
pub(crate) fn cells() -> Vec<Cell> {
    let operations = TABLE.iter().flat_map(|(_, operations)| operations.iter());
    operations
        .flat_map(|operation| {
            Context::all()
                .flat_map(move |context| context.kinds().chars().map(move |kind| Cell { operation, context, kind }))
        })
        .collect()
}

impl Cell {
    fn here(&self) -> Option<&'static Had> {
        self.operation.had.iter().find(|had| had.context == self.context)
    }

    /// Where the table says that it exists, and what it answers.
    pub(crate) fn had(&self) -> Option<&'static Had> {
        self.here().filter(|had| had.kinds == "*" || had.kinds.contains(self.kind))
    }

    /// The program: it calls the operation, and its answer has the type that the table says, or whatever somebody expects
    /// who thinks that it is here.
    fn program(&self, number: usize) -> String {
        let call = self.here().or(self.operation.had.first()).map_or(self.operation.expected, |had| had.call);
        let answer = self.here().map_or("()", |had| had.answer);
        let state = if self.kind == 'U' { 'M' } else { self.kind };
        let signature =
            SIGNATURE.replace("CTX", &self.context.type_of()).replace("Kind = S", &format!("Kind = {}", kind(state)));
        let program = format!("fn cell_{number}{signature} {{ let _answer: {answer} = {call}; }}");
        program.replace(", K>", &format!(", {}>", kind(self.kind)))
    }
}

/// A crate of these cells, one a line, and on which line each is.
pub(crate) fn crate_of(cells: &[Cell]) -> String {
    let programs: Vec<String> = cells.iter().enumerate().map(|(number, cell)| cell.program(number)).collect();
    format!("{HEAD}{}\n", programs.join("\n"))
}

/// Which cell is on this line of the crate's text, counted from 1.
pub(crate) fn number_at(line: usize) -> Option<usize> {
    line.checked_sub(HEAD.lines().count() + 1)
}
