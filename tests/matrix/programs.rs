//! The programs of the cells.

use crate::{
    contexts::{Context, kind},
    table::{Had, Operation, TABLE},
};

/// What every program begins with.
const HEAD: &str =
    "#![allow(unused_variables, unused_mut, unused_imports, dead_code)]\n#![deny(unused_must_use)]\nuse vmctx::*;\n";

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

    /// Whether its answer can be had once: whoever has it no longer has the token, or has it back with the answer.
    pub(crate) fn spends(&self) -> bool {
        let once = ["VmFault", "Mapped", "MmapCtx<", "PrepareCtx<", "Prepared<", "Release<", "Direction"];
        self.had().is_some_and(|had| once.iter().any(|answer| had.answer.contains(answer)))
    }

    /// Whether its answer may be left alone: there is none, it is a favour's, or nothing says of which kind it is, so that
    /// rustc asks for that first.
    pub(crate) fn may_be_ignored(&self) -> bool {
        let is_of_no_kind =
            self.context == Context::Prepare && self.had().is_some_and(|had| had.answer.contains(", K>"));
        self.had().is_some_and(|had| had.answer == "()") || self.operation.name.starts_with("prefault") || is_of_no_kind
    }

    /// The program: it calls the operation, and its answer has the type that the table says, or whatever somebody expects
    /// who thinks that it is here.
    fn program(&self, number: usize, sort: Sort) -> String {
        let call = self.here().or(self.operation.had.first()).map_or(self.operation.expected, |had| had.call);
        let answer = self.here().map_or("()", |had| had.answer);
        let state = if self.kind == 'U' { 'M' } else { self.kind };
        let signature =
            SIGNATURE.replace("CTX", &self.context.type_of()).replace("Kind = S", &format!("Kind = {}", kind(state)));
        let body = match sort {
            Sort::Answers => format!("let _answer: {answer} = {call};"),
            Sort::IsSpent => format!("let _answer: {answer} = {call}; let _token = &ctx;"),
            Sort::IsIgnored => format!("{call};"),
        };
        let program = format!("fn cell_{number}{signature} {{ {body} }}");
        program.replace(", K>", &format!(", {}>", kind(self.kind)))
    }
}

/// What a program does with the answer.
#[derive(Clone, Copy)]
pub(crate) enum Sort {
    /// It has the answer.
    Answers,
    /// It has the answer, and looks at the token again.
    IsSpent,
    /// It leaves the answer alone.
    IsIgnored,
}

/// A crate of these cells, one a line.
pub(crate) fn crate_of(cells: &[Cell], sort: Sort) -> String {
    let programs: Vec<String> = cells.iter().enumerate().map(|(number, cell)| cell.program(number, sort)).collect();
    format!("{HEAD}{}\n", programs.join("\n"))
}

/// Which cell is on this line of the crate's text, counted from 1.
pub(crate) fn number_at(line: usize) -> Option<usize> {
    line.checked_sub(HEAD.lines().count() + 1)
}
