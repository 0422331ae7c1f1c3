//! Plays a history on one platform, and keeps what was seen.

use core::mem;
use std::{
    format,
    panic::{AssertUnwindSafe, catch_unwind},
    string::String,
    vec,
    vec::Vec,
};

use vmctx::{Errno, PageOffset, UserAddr};

use super::{
    step::{BASE, PAGES, PROCESSES, Step},
    subject::Subject,
};
use crate::{
    devices::{Device, rights},
    mapping::{device_read, device_write},
    user::{Map, Refusal, Trap, User},
};

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// The bytes.
    Bytes(Vec<u8>),
    /// The device's answer.
    Answer(u64),
    /// The call has failed.
    Refused(Refusal),
    /// A signal, and the bytes before it.
    Trapped(Trap, Vec<u8>),
    /// A debugger's load has failed, behind these bytes.
    Unread(Refusal, Vec<u8>),
    /// There was nothing to do, or nobody to do it.
    Nothing,
    /// The platform has no means for it.
    Missing,
    /// Code of the platform's or the driver's has panicked.
    Panicked,
    /// All that can be seen: the pages of each process, one after the other, and behind them the device's.
    Seen(Vec<Shown>),
}

impl Outcome {
    /// The outcome, for people, who know of what is the same in the other.
    pub(super) fn beside(&self, other: &Self) -> String {
        let (Self::Seen(seen), Self::Seen(others)) = (self, other) else { return format!("{self:?}") };
        let both = seen.iter().zip(others).enumerate().filter(|(_, (one, other))| one != other);
        let page = |(at, (shown, _)): (usize, (&Shown, _))| format!("page {} of {}: {shown:?}", at % PAGES, at / PAGES);
        let pages: Vec<String> = both.map(page).collect();
        format!("{} pages, {}", seen.len(), pages.join(", "))
    }
}

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shown {
    /// Its first and its last bytes, and a sum of all.
    Bytes([u8; 8], [u8; 8], u64),
    /// A load ends so.
    Trap(Trap),
    /// The device says so.
    Errno(Errno),
}

/// A step's outcome, and what has changed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What came of it.
    pub outcome: Outcome,
    /// The references of each page of the device's, where they are counted.
    pub references: Vec<Option<usize>>,
    /// What the device says when it is asked.
    pub gauges: Vec<Result<u64, Errno>>,
}

impl Record {
    /// Whether both are of the same history: what the one does not know is not compared.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let known = |(one, two): (&Option<usize>, &Option<usize>)| one.is_none() || two.is_none() || one == two;
        self.outcome == other.outcome
            && self.outcome != Outcome::Panicked
            && self.gauges == other.gauges
            && self.references.iter().zip(&other.references).all(known)
    }
}

/// The processes of a history on one platform.
pub(super) struct Player<'a, U> {
    subject: &'a Subject,
    users: [Option<U>; PROCESSES],
    /// The probe's way, as it was chosen last.
    way: u64,
}

impl<'a, U: User> Player<'a, U> {
    /// A history that begins with a device of this user's.
    pub(super) fn new(subject: &'a Subject, first: U) -> Self {
        let mut users = [const { None }; PROCESSES];
        users[0] = Some(first);
        Self { subject, users, way: 0 }
    }

    /// Another process that is there from the beginning.
    pub(super) fn add(&mut self, process: usize, user: Option<U>) {
        if let Some(place) = self.users.get_mut(process) {
            *place = user;
        }
    }

    /// Whether a debugger reads what the user reads, where both can read a page.
    ///
    /// # Errors
    /// Where not.
    pub(super) fn debugger_agrees(&self, process: usize, page: usize) -> Result<(), String> {
        let Some(user) = self.users.get(process).and_then(Option::as_ref) else { return Ok(()) };
        let size = user.page_size();
        let at = UserAddr::new(BASE.saturating_add(page.saturating_mul(size)));
        let [mut read, mut peeked] = [vec![0; size], vec![0; size]];
        let both = user.read(at, &mut read).is_ok() && matches!(user.peek(at, &mut peeked), Some(Ok(())));
        if both && read != peeked {
            return Err(format!("page {page} of {process} is not what a debugger reads"));
        }
        Ok(())
    }

    /// Takes everything away: a process of a real system goes on.
    pub(super) fn end(self) {
        for user in self.users.iter().flatten() {
            // What begins at the last page ends behind it.
            let _ = user.unmap(UserAddr::new(BASE), 2 * PAGES);
        }
    }

    /// What the platform complains of.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.users.iter().flatten().flat_map(User::complaints).collect()
    }

    /// Does this step, and looks at what every step may change.
    pub(super) fn play(&mut self, step: &Step) -> Record {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.act(step))).unwrap_or(Outcome::Panicked);
        self.record(outcome)
    }

    /// Does nothing, because the other platform has no means for the step.
    pub(super) fn leave_out(&self) -> Record {
        self.record(Outcome::Missing)
    }

    fn record(&self, outcome: Outcome) -> Record {
        let first = self.users.first().and_then(Option::as_ref);
        let references = |user: &U| (0..self.subject.counted).map(|page| user.references(page)).collect();
        let gauges = |user: &U| self.subject.gauges.iter().map(|gauge| user.control(*gauge, 0)).collect();
        Record {
            outcome,
            references: first.map(references).unwrap_or_default(),
            gauges: first.map(gauges).unwrap_or_default(),
        }
    }

    fn act(&mut self, step: &Step) -> Outcome {
        if self.subject.leaves_out(self.way, step) {
            return Outcome::Nothing;
        }
        if let Step::Control { request: rights::CHOOSE_WAY, argument, .. } = *step {
            if self.subject.device == Device::Rights {
                self.way = argument;
            }
        }
        let size = self.page_size();
        let page = |page: usize| UserAddr::new(BASE.saturating_add(page.saturating_mul(size)));
        let byte_at = |at: usize| UserAddr::new(BASE.saturating_add(at));
        match *step {
            Step::Map { process, at, pages, pgoff, shared, writable } => self.with(process, |user| {
                let map = Map { pages, pgoff: PageOffset::new(pgoff), shared, writable, at: Some(page(at)) };
                done(user.map(map).map(drop))
            }),
            Step::Unmap { process, at, pages } => self.with(process, |user| done(user.unmap(page(at), pages))),
            Step::Protect { process, at, pages, writable } => {
                self.with(process, |user| done_if_can(user.protect(page(at), pages, writable)))
            }
            Step::Move { process, at, pages, to } => {
                self.with(process, |user| done_if_can(user.move_to(page(at), pages, page(to))))
            }
            Step::Resize { process, at, pages, to } => {
                self.with(process, |user| done_if_can(user.expand(page(at), pages, to)))
            }
            Step::Load { process, at, len } => self.with(process, |user| {
                let mut bytes = vec![0; len];
                match user.read(byte_at(at), &mut bytes) {
                    Ok(()) => Outcome::Bytes(bytes),
                    Err(trap) => Outcome::Trapped(trap, bytes),
                }
            }),
            Step::Store { process, at, len, byte } => {
                self.with(process, |user| match user.write(byte_at(at), &counting(len, byte)) {
                    Ok(()) => Outcome::Done,
                    Err(trap) => Outcome::Trapped(trap, Vec::new()),
                })
            }
            Step::Peek { process, at, len } => self.with(process, |user| {
                let mut bytes = vec![0; len];
                match user.peek(byte_at(at), &mut bytes) {
                    None => Outcome::Missing,
                    Some(Ok(())) => Outcome::Bytes(bytes),
                    Some(Err(refusal)) => Outcome::Unread(refusal, bytes),
                }
            }),
            Step::Poke { process, at, len, byte } => {
                self.with(process, |user| done_if_can(user.poke(byte_at(at), &counting(len, byte))))
            }
            Step::DeviceLoad { at, len } => self.with(0, |user| {
                let mut bytes = vec![0; len];
                match device_read(user, at, &mut bytes) {
                    Ok(()) => Outcome::Bytes(bytes),
                    Err(errno) => Outcome::Refused(errno.into()),
                }
            }),
            Step::DeviceStore { at, len, byte } => {
                self.with(0, |user| done(device_write(user, at, &counting(len, byte)).map_err(Refusal::from)))
            }
            Step::Control { process, request, argument } => {
                self.with(process, |user| match user.control(request, argument) {
                    Ok(answer) => Outcome::Answer(answer),
                    Err(errno) => Outcome::Refused(errno.into()),
                })
            }
            Step::Fork { process, child } => self.fork(process, child),
            Step::Exit { process: 0 } => Outcome::Nothing,
            Step::Exit { process } => {
                let exits = self.users.get_mut(process).and_then(mem::take);
                exits.map_or(Outcome::Nothing, |_| Outcome::Done)
            }
            Step::Look => self.look(),
        }
    }

    fn page_size(&self) -> usize {
        self.users.iter().flatten().next().map_or(0, User::page_size)
    }

    fn with(&self, process: usize, act: impl FnOnce(&U) -> Outcome) -> Outcome {
        self.users.get(process).and_then(Option::as_ref).map_or(Outcome::Nothing, act)
    }

    fn fork(&mut self, process: usize, child: usize) -> Outcome {
        let Some(None) = self.users.get(child) else { return Outcome::Nothing };
        let forked = match self.users.get(process).and_then(Option::as_ref).map(User::fork) {
            None => return Outcome::Nothing,
            Some(None) => return Outcome::Missing,
            Some(Some(forked)) => forked,
        };
        done(forked.map(|forked| {
            if let Some(place) = self.users.get_mut(child) {
                *place = Some(forked);
            }
        }))
    }

    fn look(&self) -> Outcome {
        let size = self.page_size();
        let mut bytes = vec![0; size];
        let mut page = |user: &U, page: usize| {
            let read = user.read(UserAddr::new(BASE.saturating_add(page.saturating_mul(size))), &mut bytes);
            read.map_or_else(Shown::Trap, |()| shown(&bytes))
        };
        let mut seen = Vec::new();
        for user in self.users.iter().flatten() {
            seen.extend((0..PAGES).map(|at| page(user, at)));
        }
        let mut bytes = vec![0; size];
        let mut device = |user: &U, page: usize| {
            let read = device_read(user, page.saturating_mul(size), &mut bytes);
            read.map_or_else(Shown::Errno, |()| shown(&bytes))
        };
        for user in self.users.first().into_iter().flatten() {
            seen.extend((0..self.subject.memory).map(|at| device(user, at)));
        }
        Outcome::Seen(seen)
    }
}

fn counting(len: usize, first: u8) -> Vec<u8> {
    (0..=u8::MAX).cycle().skip(first.into()).take(len).collect()
}

fn done(result: Result<(), Refusal>) -> Outcome {
    result.map_or_else(Outcome::Refused, |()| Outcome::Done)
}

fn done_if_can(result: Option<Result<(), Refusal>>) -> Outcome {
    result.map_or(Outcome::Missing, done)
}

fn shown(bytes: &[u8]) -> Shown {
    let first = bytes.first_chunk().copied().unwrap_or_default();
    let last = bytes.last_chunk().copied().unwrap_or_default();
    // The hash FNV-1a, of words in the place of bytes: two pages that differ have different sums but by chance.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for word in bytes.chunks(8) {
        let word = word.first_chunk().copied().map_or(0, u64::from_ne_bytes);
        sum = (sum ^ word).wrapping_mul(0x0100_0000_01b3);
    }
    Shown::Bytes(first, last, sum)
}
