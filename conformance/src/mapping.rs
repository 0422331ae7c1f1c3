//! One mapping, from mmap to munmap, and every byte of it.

use core::fmt::Display;
use std::{format, thread, vec, vec::Vec};

use vmctx::{Errno, UserAddr};

use crate::{
    checks::Checks,
    devices::pattern,
    user::{Map, Trap, User},
};

/// The most threads that can touch a mapping: each has its own part of every page to write.
pub const MAX_THREADS: usize = 64;

/// What a child leaves in the last byte of every page.
const MARK: u8 = 0xa5;

/// What one page of a mapping shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// This page of the device's memory.
    Device(usize),
    /// Zeros, until somebody writes.
    Zeros,
    /// Nothing: a touch is a SIGBUS.
    Nothing,
}

/// The slots of a mapping of `pages` pages that shows the device's memory from page `first` on.
#[must_use]
pub fn device_pages(first: usize, pages: usize) -> Vec<Slot> {
    (first..first.saturating_add(pages)).map(Slot::Device).collect()
}

/// A mapping and what it has to show.
pub struct Expected {
    /// The mapping.
    pub map: Map,
    /// Its pages.
    pub slots: Vec<Slot>,
    /// Whether the fault hook must not be called for it.
    pub filled_at_mmap: bool,
    /// Whether a child has it too; else there is nothing in the child (`VM_DONTCOPY`).
    pub copied: bool,
}

/// Makes the mapping, touches it from several threads at once, looks at it from all sides, and takes it away again.
///
/// All threads read every page. Then each writes its part of every page, and everybody must see what all have
/// written: the mapping, the device if it is shared, a child. Then the device gets its old content back. If the
/// mapping is writable, all this is done once more with the stores first.
pub fn exercise<U: User>(user: &U, threads: usize, checks: &mut Checks, expected: &Expected) {
    exercise_once(user, threads, checks, expected, true);
    if expected.map.writable {
        exercise_once(user, threads, checks, expected, false);
    }
}

fn exercise_once<U: User>(user: &U, threads: usize, checks: &mut Checks, expected: &Expected, loads_first: bool) {
    let references = Exercise::references(user, &expected.slots);
    let before = user.counters();
    let what = format!("mmap of {}", expected.map);
    checks.begin(&what);
    let Some(at) = checks.success(what, user.map(expected.map)) else { return };
    let (size, threads) = (user.page_size(), threads.clamp(1, MAX_THREADS));
    let untouched = expected.content(size, Written::default());
    let mut exercise = Exercise { user, at, expected, size, threads, checks };

    if loads_first {
        exercise.everybody("reading", |touch, _, checks| touch.read_all(checks, "read", &untouched));
    }
    if let (true, Some(before), Some(after)) = (expected.filled_at_mmap, before, user.counters()) {
        exercise.checks.equal(
            format!("{}: faults of a mapping that mmap has filled", expected.map),
            &after.faults.saturating_sub(before.faults),
            &0,
        );
    }
    if expected.map.writable {
        let by_threads = Written { threads, mark: None };
        let written = expected.content(size, by_threads);
        exercise.everybody("writing", |touch, thread, checks| touch.write_part(checks, thread, &untouched));
        exercise.everybody("reading again", |touch, _, checks| touch.read_all(checks, "written", &written));
        exercise.device(if expected.map.shared { &written } else { &untouched });
        exercise.child(&written, &expected.content(size, Written { mark: Some(MARK), ..by_threads }));
        exercise.restore(&untouched);
    } else {
        exercise.refuses_stores();
        exercise.child(&untouched, &untouched);
    }
    exercise.unmap();
    let checks = exercise.checks;
    if let Some(references) = references {
        checks.equal(
            format!("{}: references of the pages after munmap", expected.map),
            &Exercise::references(user, &expected.slots),
            &Some(references),
        );
    }
}

/// What was written to every page on top of what it shows by itself.
#[derive(Clone, Copy, Default)]
struct Written {
    /// The parts of so many threads.
    threads: usize,
    /// A last byte of the page's.
    mark: Option<u8>,
}

/// The bytes of every page; `None` for one that has none.
type Content = [Option<Vec<u8>>];

impl Expected {
    fn content(&self, size: usize, written: Written) -> Vec<Option<Vec<u8>>> {
        self.slots.iter().map(|slot| slot.content(size, written)).collect()
    }
}

impl Slot {
    fn content(self, size: usize, written: Written) -> Option<Vec<u8>> {
        let mut bytes = match self {
            Self::Device(page) => device_bytes(page, size),
            Self::Zeros => vec![0; size],
            Self::Nothing => return None,
        };
        for (thread, part) in bytes.chunks_mut(part_size(size)).take(written.threads).enumerate() {
            write_over(part, thread);
        }
        if let (Some(last), Some(mark)) = (bytes.last_mut(), written.mark) {
            *last = mark;
        }
        Some(bytes)
    }
}

fn device_bytes(page: usize, size: usize) -> Vec<u8> {
    let start = page.wrapping_mul(size);
    (start..start.wrapping_add(size)).map(pattern).collect()
}

/// What a thread makes of its part of a page.
fn write_over(part: &mut [u8], thread: usize) {
    let [salt, ..] = thread.to_le_bytes();
    for byte in part {
        *byte = !byte.wrapping_add(salt);
    }
}

fn part_size(size: usize) -> usize {
    (size / MAX_THREADS).max(1)
}

/// Reads the device's memory. The device waits for nobody: while a hook or a request has its lock it says EAGAIN, and
/// is asked again. A hook may have it even after all threads were joined: where hooks run in threads of the platform's,
/// one may be at its end while the thread that it was called for has gone on, with a page that a neighbour's fault has
/// brought.
pub(crate) fn device_read<U: User>(user: &U, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
    until_it_is_free(|| user.device_read(offset, into))
}

/// Writes the device's memory, as [`device_read`] reads it.
pub(crate) fn device_write<U: User>(user: &U, offset: usize, from: &[u8]) -> Result<(), Errno> {
    until_it_is_free(|| user.device_write(offset, from))
}

fn until_it_is_free(mut ask: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
    loop {
        match ask() {
            Err(Errno::EAGAIN) => thread::yield_now(),
            answer => return answer,
        }
    }
}

/// A mapping that is being exercised.
struct Exercise<'a, U> {
    user: &'a U,
    at: UserAddr,
    expected: &'a Expected,
    size: usize,
    threads: usize,
    checks: &'a mut Checks,
}

/// What the threads share of an [`Exercise`].
struct Touch<'a, U> {
    user: &'a U,
    at: UserAddr,
    expected: &'a Expected,
    size: usize,
}

impl<'a, U: User> Exercise<'a, U> {
    fn touch(&self) -> Touch<'a, U> {
        Touch { user: self.user, at: self.at, expected: self.expected, size: self.size }
    }

    /// Runs this on all threads, which begin together.
    fn everybody(&mut self, what: &str, run: impl Fn(&Touch<'a, U>, usize, &mut Checks) + Sync) {
        let (touch, map) = (self.touch(), self.expected.map);
        self.checks.begin(format!("{map}: {what}"));
        let panicked = format!("{map}: a thread panicked while {what}");
        self.checks.together(self.threads, panicked, |thread, checks| run(&touch, thread, checks));
    }

    /// What the device sees of it.
    fn device(&mut self, shown: &Content) {
        for (index, (slot, wanted)) in self.expected.slots.iter().zip(shown).enumerate() {
            let (Slot::Device(page), Some(wanted)) = (*slot, wanted) else { continue };
            let what = format!("{}: page {index} as the device sees it", self.expected.map);
            self.checks.begin(&what);
            let mut bytes = vec![0; self.size];
            let read = device_read(self.user, page.wrapping_mul(self.size), &mut bytes);
            if self.checks.success(&what, read).is_some() {
                compare(self.checks, what, &bytes, wanted);
            }
        }
    }

    /// A child has the same mapping. The mark that it leaves shows in the parent's if it is shared.
    fn child(&mut self, written: &Content, marked: &Content) {
        let map = self.expected.map;
        self.checks.begin(format!("{map}: fork"));
        let Some(forked) = self.user.fork() else { return };
        let Some(child) = self.checks.success(format!("{map}: fork"), forked) else { return };
        if !self.expected.copied {
            let wanted = Trap::Sigsegv(self.at);
            return self.checks.failure(format!("{map}: the child's load"), child.read(self.at, &mut [0]), &wanted);
        }
        let touch = Touch { user: &child, ..self.touch() };
        touch.read_all(self.checks, "the child's", written);
        if map.writable {
            for (index, slot) in self.expected.slots.iter().enumerate() {
                if *slot != Slot::Nothing {
                    let what = format!("{map}: the child's store to page {index}");
                    self.checks.begin(&what);
                    self.checks.success(what, child.write(touch.address(index, self.size.saturating_sub(1)), &[MARK]));
                }
            }
        }
        touch.read_all(self.checks, "the child's, marked", marked);
        self.checks.begin(format!("{map}: the child's exit"));
        drop(child);
        let shown = if map.shared { marked } else { written };
        self.touch().read_all(self.checks, "the parent's, after the child's", shown);
    }

    /// A read-only mapping stays so.
    fn refuses_stores(&mut self) {
        let touch = self.touch();
        let wanted = Trap::Sigsegv(self.at);
        self.checks.failure(format!("{}: a store", self.expected.map), touch.user.write(self.at, &[0]), &wanted);
    }

    /// Gives a shared mapping its old content back.
    fn restore(&mut self, untouched: &Content) {
        if !self.expected.map.shared {
            return;
        }
        for (index, (slot, bytes)) in self.expected.slots.iter().zip(untouched).enumerate() {
            let Some(bytes) = bytes else { continue };
            let what = format!("{}: restoring page {index}", self.expected.map);
            self.checks.begin(&what);
            if let Slot::Device(page) = *slot {
                self.checks.success(what, device_write(self.user, page.wrapping_mul(self.size), bytes));
            } else {
                self.checks.success(what, self.user.write(self.touch().address(index, 0), bytes));
            }
        }
        // The user sees what the device has written.
        self.touch().read_all(self.checks, "restored", untouched);
    }

    fn unmap(&mut self) {
        let map = self.expected.map;
        let what = format!("{map}: munmap");
        self.checks.begin(&what);
        self.checks.success(what, self.user.unmap(self.at, map.pages));
        let wanted = Trap::Sigsegv(self.at);
        self.checks.failure(format!("{map}: a load after munmap"), self.user.read(self.at, &mut [0]), &wanted);
    }
}

impl<U: User> Exercise<'_, U> {
    /// All references to the pages that the mapping shows, or `None` if nobody knows.
    fn references(user: &U, slots: &[Slot]) -> Option<usize> {
        let pages = slots.iter().filter_map(|slot| match *slot {
            Slot::Device(page) => Some(page),
            Slot::Zeros | Slot::Nothing => None,
        });
        pages.map(|page| user.references(page)).sum()
    }
}

impl<U: User> Touch<'_, U> {
    fn address(&self, page: usize, offset: usize) -> UserAddr {
        UserAddr::new(self.at.get().wrapping_add(page.wrapping_mul(self.size)).wrapping_add(offset))
    }

    /// Reads every page, and the SIGBUS of those that are not there.
    fn read_all(&self, checks: &mut Checks, which: &str, content: &Content) {
        for (index, wanted) in content.iter().enumerate() {
            let what = format!("{}: page {index}, {which}", self.expected.map);
            checks.begin(&what);
            if let Some(wanted) = wanted {
                let mut bytes = vec![0; self.size];
                if checks.success(&what, self.user.read(self.address(index, 0), &mut bytes)).is_some() {
                    compare(checks, what, &bytes, wanted);
                }
            } else {
                // A byte inside the page, because the signal has to name that very byte.
                let at = self.address(index, self.size / 3);
                checks.failure(what, self.user.read(at, &mut [0]), &Trap::Sigbus(at));
            }
        }
    }

    /// Writes one thread's part of every page, beginning elsewhere than the other threads.
    fn write_part(&self, checks: &mut Checks, thread: usize, untouched: &Content) {
        let (count, len) = (untouched.len(), part_size(self.size));
        for (index, bytes) in untouched.iter().enumerate().cycle().skip(thread % count.max(1)).take(count) {
            let what = format!("{}: page {index}, thread {thread}'s store", self.expected.map);
            checks.begin(&what);
            let at = self.address(index, thread.wrapping_mul(len));
            match bytes.as_ref().and_then(|bytes| bytes.chunks(len).nth(thread)) {
                Some(part) => {
                    let mut part = part.to_vec();
                    write_over(&mut part, thread);
                    checks.success(what, self.user.write(at, &part));
                }
                None => checks.failure(what, self.user.write(at, &[0]), &Trap::Sigbus(at)),
            }
        }
    }
}

/// A check that two byte sequences are the same, which names the first byte that differs.
pub(crate) fn compare(checks: &mut Checks, what: impl Display, got: &[u8], wanted: &[u8]) {
    let reason =
        (got != wanted).then(|| match got.iter().zip(wanted).enumerate().find(|(_, (got, wanted))| got != wanted) {
            Some((at, (got, wanted))) => format!("{what}: byte {at} is {got:#04x}, not {wanted:#04x}"),
            None => format!("{what}: {} bytes, not {}", got.len(), wanted.len()),
        });
    checks.verdict(reason);
}
