//! What a hook has inserted and the peer does not have yet.

use std::{ops::Range, sync::Arc};

use crate::{kernel::sys::PAGE_SIZE, memory::Page};

use super::mapped_file::Mapping;

/// Where bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This process's memory, from this address on.
    Memory(usize),
    /// The zero page.
    Zero,
}

/// Pages that are copied by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Their first addresses in the peer.
    pub(crate) first: Range<usize>,
    pub(crate) source: Source,
}

impl Run {
    pub(crate) fn page(address: usize, source: Source) -> Self {
        Self { first: address..address + PAGE_SIZE, source }
    }

    /// Whether the other one lies behind it, here and there.
    fn goes_on_in(&self, behind: &Self) -> bool {
        let source = match self.source {
            Source::Memory(from) => Source::Memory(from + self.first.len()),
            Source::Zero => Source::Zero,
        };
        self.first.end == behind.first.start && source == behind.source
    }
}

/// What was inserted, in as few runs as there are, and what keeps its bytes.
#[derive(Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    pages: Vec<Page>,
    /// The file that was inserted of last. It stays from one fault to the next, which is likely to be of the same.
    mapping: Option<Arc<Mapping>>,
    other_mappings: Vec<Arc<Mapping>>,
}

impl Runs {
    /// Forgets what was inserted.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.pages.clear();
        self.other_mappings.clear();
    }

    /// Where something was inserted already stays what was.
    pub(crate) fn has(&self, address: usize) -> bool {
        self.runs.iter().any(|run| run.first.contains(&address))
    }

    #[inline]
    fn add(&mut self, run: Run) {
        if let Some(last) = self.runs.last_mut().filter(|last| last.goes_on_in(&run)) {
            last.first.end = run.first.end;
        } else {
            self.runs.push(run);
        }
    }

    pub(crate) fn add_zero(&mut self, address: usize) {
        self.add(Run::page(address, Source::Zero));
    }

    /// Whether this process has the page's bytes.
    pub(crate) fn add_page(&mut self, address: usize, page: &Page) -> bool {
        let Some(from) = page.address() else { return false };
        self.add(Run::page(address, Source::Memory(from)));
        self.pages.push(page.clone());
        true
    }

    /// Whether there is such a frame.
    pub(crate) fn add_frame(&mut self, address: usize, pfn: u64) -> bool {
        if let Some(from) = self.mapping.as_ref().and_then(|mapping| mapping.address_of(pfn)) {
            self.add(Run::page(address, Source::Memory(from)));
            return true;
        }
        let Some(mapping) = Mapping::of_frame(pfn) else { return false };
        let Some(from) = mapping.address_of(pfn) else { return false };
        self.add(Run::page(address, Source::Memory(from)));
        self.other_mappings.extend(self.mapping.replace(mapping));
        true
    }

    /// The runs, in order, none of which goes on in the next.
    pub(crate) fn joined(&mut self) -> &[Run] {
        if self.runs.len() > 1 {
            self.runs.sort_unstable_by_key(|run| run.first.start);
            self.runs.dedup_by(|behind, before| {
                let joins = before.goes_on_in(behind);
                if joins {
                    before.first.end = behind.first.end;
                }
                joins
            });
        }
        &self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(page: usize) -> usize {
        page * PAGE_SIZE
    }

    #[test]
    fn what_lies_together_here_and_there_is_one_run_in_whatever_order_it_comes() {
        let mut runs = Runs::default();
        let page = |to: usize, from: usize| Run::page(at(to), Source::Memory(at(from)));
        for run in [page(10, 100), page(11, 101), page(13, 103), page(12, 102), page(14, 900)] {
            runs.add(run);
        }
        runs.add_zero(at(16));
        runs.add_zero(at(15));
        assert!(runs.has(at(12)) && !runs.has(at(17)));
        assert_eq!(
            runs.joined(),
            [
                Run { first: at(10)..at(14), source: Source::Memory(at(100)) },
                Run { first: at(14)..at(15), source: Source::Memory(at(900)) },
                Run { first: at(15)..at(17), source: Source::Zero },
            ]
        );
    }
}
