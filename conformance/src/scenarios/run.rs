//! What scenarios have in common: mapping, looking at what shows, asking the device, acting on all threads at once.

use core::{array, fmt::Display};
use std::{format, sync::Barrier, vec, vec::Vec};

use vmctx::{Errno, UserAddr, platform::Cache};

use crate::{
    checks::Checks,
    devices::pattern,
    mapping::{Expected, Slot, compare, device_write, exercise},
    user::{Map, Refusal, Trap, User},
};

/// One run of a scenario.
pub(crate) struct Run<'a, U> {
    pub(crate) user: &'a U,
    pub(crate) threads: usize,
    pub(crate) checks: &'a mut Checks,
}

/// The same place, mapped in all the ways there are.
pub(super) fn all_ways(map: Map) -> [Map; 4] {
    let private = Map { shared: false, ..map };
    [map, private, map.read_only(), private.read_only()]
}

/// Checks the first bytes of a page.
pub(super) fn begins_as<U: User>(user: &U, checks: &mut Checks, what: impl Display, page: UserAddr, slot: Slot) {
    checks.begin(&what);
    let mut bytes = [0; 32];
    let read = user.read(page, &mut bytes);
    let start = match slot {
        Slot::Device(shown) => Some(shown.wrapping_mul(user.page_size())),
        Slot::Zeros => None,
        Slot::Nothing => return checks.failure(what, read, &Trap::Sigbus(page)),
    };
    let wanted: [u8; 32] = array::from_fn(|byte| start.map_or(0, |start| pattern(start.wrapping_add(byte))));
    if checks.success(&what, read).is_some() {
        compare(checks, what, &bytes, &wanted);
    }
}

impl<U: User> Run<'_, U> {
    /// A mapping that mmap fills, in all the ways there are.
    pub(super) fn eager(&mut self, map: Map, slots: &[Slot]) {
        for map in all_ways(map) {
            self.one(map, slots, true);
        }
    }

    /// A mapping that faults fill, in all the ways there are.
    pub(super) fn lazy(&mut self, map: Map, slots: &[Slot]) {
        for map in all_ways(map) {
            self.one(map, slots, false);
        }
    }

    pub(super) fn one(&mut self, map: Map, slots: &[Slot], filled_at_mmap: bool) {
        let expected = Expected { map, slots: slots.to_vec(), filled_at_mmap, copied: true };
        exercise(self.user, self.threads, self.checks, &expected);
    }

    /// A mapping that mmap fills, and that a child does not get.
    pub(super) fn not_copied(&mut self, map: Map, slots: &[Slot]) {
        let expected = Expected { map, slots: slots.to_vec(), filled_at_mmap: true, copied: false };
        exercise(self.user, self.threads, self.checks, &expected);
    }

    /// The device writes its pattern to so many pages of its memory, from page `first` on.
    pub(super) fn device_fills(&mut self, first: usize, pages: usize) {
        let size = self.user.page_size();
        for page in first..first.saturating_add(pages) {
            let start = page.wrapping_mul(size);
            let bytes: Vec<u8> = (start..start.wrapping_add(size)).map(pattern).collect();
            let what = format!("the device fills page {page}");
            self.checks.begin(&what);
            self.checks.success(what, device_write(self.user, start, &bytes));
        }
    }

    /// Does something while a child has the same mappings, if the platform has children. Gives back whether it has.
    pub(super) fn with_child(&mut self, act: impl FnOnce(&mut Self, &U)) -> bool {
        self.checks.begin("fork");
        let Some(forked) = self.user.fork() else { return false };
        if let Some(child) = self.checks.success("fork", forked) {
            act(self, &child);
        }
        true
    }

    /// A mapping that mmap must refuse with this errno.
    pub(super) fn refused(&mut self, map: Map, errno: Errno) {
        let what = format!("mmap of {map}");
        self.checks.begin(&what);
        self.checks.failure(what, self.user.map(map), &Refusal::Errno(errno));
    }

    /// Makes a mapping, does something with it at its address, and takes it away.
    pub(super) fn mapped(&mut self, map: Map, act: impl FnOnce(&mut Self, UserAddr)) {
        let what = format!("mmap of {map}");
        self.checks.begin(&what);
        let Some(at) = self.checks.success(what, self.user.map(map)) else { return };
        act(self, at);
        let what = format!("{map}: munmap");
        self.checks.begin(&what);
        self.checks.success(what, self.user.unmap(at, map.pages));
    }

    /// Waits until no hook runs any more, by mapping this and taking it away: mmap waits for every hook that has the
    /// mmap lock. What hooks count must not be asked for before, where all threads have touched the same pages: see
    /// [`device_read`](crate::mapping::device_read).
    pub(super) fn settled(&mut self, map: Map) {
        self.mapped(map, |_, _| {});
    }

    /// The address of a byte of a mapping.
    pub(super) fn address(&self, at: UserAddr, page: usize, offset: usize) -> UserAddr {
        UserAddr::new(at.get().wrapping_add(page.wrapping_mul(self.user.page_size())).wrapping_add(offset))
    }

    /// Checks every byte of these pages of a mapping.
    pub(super) fn shows(&mut self, what: impl Display, at: UserAddr, slots: &[Slot]) {
        for (index, slot) in slots.iter().enumerate() {
            let page = self.address(at, index, 0);
            self.shows_page(format!("{what}: page {index}"), page, *slot);
        }
    }

    pub(super) fn shows_page(&mut self, what: impl Display, page: UserAddr, slot: Slot) {
        self.checks.begin(&what);
        let size = self.user.page_size();
        let mut bytes = vec![0; size];
        let read = self.user.read(page, &mut bytes);
        let wanted: Vec<u8> = match slot {
            Slot::Device(shown) => (0..size).map(|byte| pattern(shown.wrapping_mul(size).wrapping_add(byte))).collect(),
            Slot::Zeros => vec![0; size],
            Slot::Nothing => return self.checks.failure(what, read, &Trap::Sigbus(page)),
        };
        if self.checks.success(&what, read).is_some() {
            compare(self.checks, what, &bytes, &wanted);
        }
    }

    /// A debugger loads as many bytes, of which it has to get these. Without a debugger nothing is checked.
    pub(super) fn peeks(&mut self, what: impl Display, at: UserAddr, wanted: &[u8]) {
        self.checks.begin(&what);
        let mut bytes = vec![0; wanted.len()];
        if let Some(peeked) = self.user.peek(at, &mut bytes) {
            self.checks.equal(what, &(peeked, bytes.as_slice()), &(Ok(()), wanted));
        }
    }

    /// A debugger loads two bytes more than these, which are all that it has to get.
    pub(super) fn peeks_no_more(&mut self, what: impl Display, at: UserAddr, wanted: &[u8]) {
        const UNTOUCHED: u8 = 0xee;
        self.checks.begin(&what);
        let mut expected = wanted.to_vec();
        expected.extend([UNTOUCHED; 2]);
        let mut bytes = vec![UNTOUCHED; expected.len()];
        if let Some(peeked) = self.user.peek(at, &mut bytes) {
            self.checks.equal(what, &(peeked, bytes), &(Err(Refusal::Errno(Errno::EIO)), expected));
        }
    }

    /// A debugger stores.
    pub(super) fn pokes(&mut self, what: impl Display, at: UserAddr, bytes: &[u8], wanted: Result<(), Errno>) {
        self.checks.begin(&what);
        if let Some(poked) = self.user.poke(at, bytes) {
            self.checks.equal(what, &poked, &wanted.map_err(Refusal::Errno));
        }
    }

    /// Touches a page, and checks how it is cached if the platform knows.
    pub(super) fn cached(&mut self, map: Map, page: usize, wanted: Cache) {
        self.mapped(map, |run, at| {
            let address = run.address(at, page, 0);
            let what = format!("{map}: page {page}");
            run.checks.begin(&what);
            run.checks.success(what, run.user.read(address, &mut [0]));
            if let Some(cache) = run.user.cache(address) {
                run.checks.equal(format!("{map}: cache attribute of page {page}"), &cache, &wanted);
            }
        });
    }

    /// A request to the device, and what it has to answer.
    pub(super) fn control(&mut self, what: impl Display, request: u32, argument: u64, wanted: Result<u64, Errno>) {
        self.checks.begin(&what);
        self.checks.equal(what, &self.user.control(request, argument), &wanted);
    }

    /// A request to the device that has to succeed. Gives back what it answers.
    pub(super) fn ask(&mut self, what: impl Display, request: u32, argument: u64) -> Option<u64> {
        self.checks.begin(&what);
        self.checks.success(what, self.user.control(request, argument))
    }

    /// `mremap` cannot make a `VM_DONTEXPAND` mapping longer.
    pub(super) fn does_not_expand(&mut self, map: Map) {
        self.mapped(map, |run, at| {
            let what = format!("{map}: one page more by mremap");
            run.checks.begin(&what);
            if let Some(expanded) = run.user.expand(at, map.pages, map.pages.saturating_add(1)) {
                run.checks.failure(what, expanded, &Refusal::Errno(Errno::EFAULT));
            }
        });
    }

    /// The first touch is one fault and brings `around` pages, from the start of the mapping on. The mapping shows the
    /// device's memory from page `first` on.
    pub(super) fn fault_around(&mut self, map: Map, first: usize, around: usize) {
        self.mapped(map, |run, at| {
            let before = run.user.counters();
            run.shows(format!("{map}: after one fault"), at, &crate::mapping::device_pages(first, around));
            if let (Some(before), Some(after)) = (before, run.user.counters()) {
                let what = format!("{map}: faults for the first {around} pages");
                run.checks.equal(what, &after.faults.saturating_sub(before.faults), &1);
                let inserted = usize::try_from(after.inserted.saturating_sub(before.inserted)).unwrap_or(usize::MAX);
                run.checks.equal(format!("{map}: pages that one fault brought"), &inserted, &around);
            }
        });
    }

    /// While all threads touch a mapping, one of them changes what it shows, `rounds` times; `change` is told which
    /// round it is, from 1 on. What is seen meanwhile may be old or new, or not there. Once the change is done, every
    /// thread has to see what `slots` says of that round: nothing old has stayed behind.
    pub(super) fn changes(
        &mut self,
        map: Map,
        rounds: usize,
        change: impl Fn(&U, usize, &mut Checks) + Sync,
        slots: impl Fn(usize) -> Vec<Slot> + Sync,
    ) {
        let barrier = Barrier::new(self.threads.max(1));
        self.mapped(map, |run, at| {
            let address = |page: usize, size: usize| UserAddr::new(at.get().wrapping_add(page.wrapping_mul(size)));
            run.together(map, |user, thread, checks| {
                for round in 1..=rounds {
                    checks.begin(format!("{map}: change {round}"));
                    barrier.wait();
                    if thread == 0 {
                        change(user, round, checks);
                    } else {
                        for page in 0..map.pages {
                            if let Err(Trap::Other(reason)) = user.read(address(page, user.page_size()), &mut [0]) {
                                checks.verdict(Some(format!("{map}: page {page} in round {round}: {reason}")));
                            }
                        }
                    }
                    barrier.wait();
                    for (page, slot) in slots(round).into_iter().enumerate() {
                        let what = format!("{map}: page {page} after change {round}");
                        begins_as(user, checks, what, address(page, user.page_size()), slot);
                    }
                }
            });
        });
    }

    /// Runs this on as many threads as the job has, all at once, each with its number.
    pub(super) fn together(&mut self, what: impl Display, act: impl Fn(&U, usize, &mut Checks) + Sync) {
        let user = self.user;
        self.checks.begin(&what);
        let panicked = format!("{what}: a thread panicked");
        self.checks.together(self.threads.max(1), panicked, |thread, checks| act(user, thread, checks));
    }
}
