//! Random steps, most of which find something to do.

use super::{
    play::Outcome,
    random::Random,
    step::{MOST_BYTES, PAGES, PROCESSES, Step},
    subject::Subject,
};

/// The steps of a history. With the same seed, and the same outcomes, they are the same everywhere.
pub(super) struct Generator<'a> {
    random: Random,
    subject: &'a Subject,
    page_size: usize,
    mapped: [[bool; PAGES]; PROCESSES],
    there: [bool; PROCESSES],
}

impl<'a> Generator<'a> {
    pub(super) fn new(subject: &'a Subject, seed: u64) -> Self {
        let mut there = [false; PROCESSES];
        there[0] = true;
        Self { random: Random::new(seed), subject, page_size: 0, mapped: [[false; PAGES]; PROCESSES], there }
    }

    /// What came of the last one.
    pub(super) fn follow(&mut self, step: &Step, outcome: &Outcome) {
        if *outcome != Outcome::Done {
            return;
        }
        match *step {
            Step::Map { process, at, pages, .. } => self.set(process, at, pages, true),
            Step::Unmap { process, at, pages } => self.set(process, at, pages, false),
            Step::Move { process, at, pages, to } => {
                self.set(process, at, pages, false);
                self.set(process, to, pages, true);
            }
            Step::Resize { process, at, pages, to } => {
                self.set(process, at.saturating_add(to), pages.saturating_sub(to), false);
            }
            Step::Fork { process, child } => {
                let parent = self.mapped.get(process).copied().unwrap_or_default();
                if let (Some(mapped), Some(there)) = (self.mapped.get_mut(child), self.there.get_mut(child)) {
                    (*mapped, *there) = (parent, true);
                }
            }
            Step::Exit { process } => {
                if let Some(there) = self.there.get_mut(process) {
                    *there = false;
                }
            }
            _ => {}
        }
    }

    /// The next one, with pages of so many bytes.
    pub(super) fn step(&mut self, page_size: usize) -> Step {
        self.page_size = page_size;
        let process = self.process();
        let pages = 1 + self.random.below(4);
        match self.random.below(100) {
            0..12 => self.map(process),
            12..17 => Step::Unmap { process, at: self.mapped(process), pages: self.short(pages) },
            17..26 => Step::Protect {
                process,
                at: self.mapped(process),
                pages: self.short(pages),
                writable: self.random.percent(75),
            },
            26..31 => {
                let pages = if self.subject.without.moves_of_many { 1 } else { 1 + self.random.below(pages) };
                Step::Move { process, at: self.mapped(process), pages, to: self.free(process, pages) }
            }
            31..33 if !self.subject.without.moves_of_many => {
                let at = self.mapped(process);
                Step::Resize { process, at, pages: self.short(pages), to: self.random.below(5) }
            }
            31..48 => Step::Load { process, at: self.byte(process), len: self.len() },
            48..68 => Step::Store { process, at: self.byte(process), len: self.len(), byte: self.value() },
            68..71 => Step::Peek { process, at: self.byte(process), len: self.len() },
            71..75 => Step::Poke { process, at: self.byte(process), len: self.len(), byte: self.value() },
            75..77 => Step::DeviceLoad { at: self.of_device(), len: 1 },
            77..79 => Step::DeviceStore { at: self.of_device(), len: self.len(), byte: self.value() },
            79..94 => self.control(process),
            94..97 => Step::Fork { process, child: self.random.below(PROCESSES) },
            97..99 => Step::Exit { process: self.random.below(PROCESSES) },
            _ => Step::Look,
        }
    }

    fn map(&mut self, process: usize) -> Step {
        let pages = 1 + self.random.below(5);
        let pages = self.short(pages);
        let shown = (self.subject.shown)();
        let (pages, pgoff) = match self.random.below(20) {
            // Whole: some devices can be mapped in no other way, and some requests are for all of it.
            0..4 => (shown.len().min(PAGES / 2), shown.start),
            // Before its start, and over its end.
            4 => (pages, shown.start.saturating_sub(1)),
            5 => (pages, shown.start.saturating_add(self.random.below(shown.len()))),
            _ => {
                let last = shown.len().saturating_sub(pages);
                (pages, shown.start.saturating_add(self.random.below(last.saturating_add(1))))
            }
        };
        let shared = self.subject.without.private || self.random.percent(65);
        let at = self.free(process, pages);
        Step::Map { process, at, pages, pgoff, shared, writable: self.random.percent(75) }
    }

    fn control(&mut self, process: usize) -> Step {
        if self.subject.requests.is_empty() {
            return Step::Store { process, at: self.byte(process), len: self.len(), byte: self.value() };
        }
        let mut left = self.random.below(self.subject.requests.iter().map(|request| request.weight).sum());
        for request in self.subject.requests {
            match left.checked_sub(request.weight) {
                Some(rest) => left = rest,
                None => {
                    let argument = (request.argument)(&mut self.random);
                    return Step::Control { process, request: request.number, argument };
                }
            }
        }
        Step::Look
    }

    /// One of the processes that are there.
    fn process(&mut self) -> usize {
        let any = self.random.below(PROCESSES);
        if self.there.get(any) == Some(&true) { any } else { 0 }
    }

    /// A page that something is mapped at, as a rule.
    fn mapped(&mut self, process: usize) -> usize {
        for _ in 0..8 {
            let at = self.random.below(PAGES);
            if self.mapped.get(process).and_then(|mapped| mapped.get(at)) == Some(&true) {
                return at;
            }
        }
        self.random.below(PAGES)
    }

    /// A page from which on nothing is mapped, as a rule.
    fn free(&mut self, process: usize, pages: usize) -> usize {
        for _ in 0..8 {
            let at = self.random.below(PAGES.saturating_sub(pages).saturating_add(1));
            let taken = self.mapped.get(process).and_then(|mapped| mapped.get(at..at.saturating_add(pages)));
            if taken.is_some_and(|taken| !taken.contains(&true)) {
                return at;
            }
        }
        self.random.below(PAGES)
    }

    /// A length, which is none now and then.
    fn short(&mut self, pages: usize) -> usize {
        if self.random.percent(3) { 0 } else { pages }
    }

    fn len(&mut self) -> usize {
        1 + self.random.below(MOST_BYTES)
    }

    /// Not zero, which is what memory has that nobody has written.
    fn value(&mut self) -> u8 {
        u8::try_from(1 + self.random.below(255)).unwrap_or(1)
    }

    /// A byte where something is mapped, often at a page's end.
    fn byte(&mut self, process: usize) -> usize {
        self.mapped(process).saturating_mul(self.page_size).saturating_add(self.in_page())
    }

    fn in_page(&mut self) -> usize {
        match self.random.below(4) {
            0 => 0,
            1 => self.page_size.saturating_sub(1 + self.random.below(MOST_BYTES)),
            _ => self.random.below(self.page_size),
        }
    }

    fn of_device(&mut self) -> usize {
        self.random.below(self.subject.memory).saturating_mul(self.page_size).saturating_add(self.in_page())
    }

    fn set(&mut self, process: usize, at: usize, pages: usize, mapped: bool) {
        for page in self.mapped.iter_mut().skip(process).take(1).flatten().skip(at).take(pages) {
            *page = mapped;
        }
    }
}
