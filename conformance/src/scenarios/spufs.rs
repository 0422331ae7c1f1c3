use core::sync::atomic::{AtomicUsize, Ordering};
use std::{format, thread};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::Run;
use crate::{
    checks::Checks,
    devices::spufs::{RUNS, SPUS, SWITCH},
    mapping::{Slot, device_pages, device_read},
    user::{Map, User},
};
use vmctx_drivers::spufs::hardware_page;

/// How often the context is switched under its users.
const SWITCHES: usize = 200;
/// How many numbers each thread stores for each switch, before it or while it happens.
const COUNTS: usize = 8;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let pages = hardware_page(run.user.page_size()) / run.user.page_size();
    let whole = Map::shared(pages);
    // The bytes are the same while the context is saved and on each processor.
    for place in 0..=SPUS {
        switch(&mut run, place);
        run.control("whether the context runs", RUNS, 0, Ok(u64::from(place != 0)));
        for map in [whole, whole.read_only()] {
            run.one(map, &device_pages(0, pages), false);
        }
        run.cached(whole, 1, if place == 0 { Cache::WriteBack } else { Cache::WriteCombine });
        by_hardware_page(&mut run, whole, place != 0);
    }
    run.control("switching to a processor that does not exist", SWITCH, SPUS as u64 + 1, Err(Errno::EINVAL));

    let mut slots = device_pages(pages - 2, 2);
    slots.push(Slot::Nothing);
    let over = Map::shared(slots.len()).at(PageOffset::new(pages - 2));
    for map in [over, over.read_only()] {
        run.one(map, &slots, false);
    }
    run.refused(Map::private(pages), Errno::EINVAL);
    run.refused(Map::private(pages).read_only(), Errno::EINVAL);

    shows_what_moved(&mut run, whole);
    counts_while_it_moves(&mut run, whole);
}

fn switch<U: User>(run: &mut Run<'_, U>, place: usize) {
    run.control(format!("switching to place {place}"), SWITCH, place as u64, Ok(0));
}

/// One fault maps all of a processor's memory if the mapping is aligned as the hardware wants it. Else, and while the
/// context is saved, each page takes a fault of its own.
fn by_hardware_page<U: User>(run: &mut Run<'_, U>, map: Map, runs: bool) {
    run.mapped(map, |run, at| {
        let before = run.user.counters();
        run.shows(format!("{map}: by hardware page"), at, &device_pages(0, map.pages));
        let faults = if runs && at.get() % hardware_page(run.user.page_size()) == 0 { 1 } else { map.pages as u64 };
        if let (Some(before), Some(after)) = (before, run.user.counters()) {
            let what = format!("{map}: faults for a hardware page");
            run.checks.equal(what, &after.faults.saturating_sub(before.faults), &faults);
        }
    });
}

/// Mappings that were touched before a move, a child's too, show the new place after it.
fn shows_what_moved<U: User>(run: &mut Run<'_, U>, map: Map) {
    let slots = device_pages(0, map.pages);
    run.mapped(map, |run, at| {
        for place in [1, 2, 0, 2, 1, 0] {
            run.shows(format!("{map}: before the switch to {place}"), at, &slots);
            let child = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child));
            switch(run, place);
            run.shows(format!("{map}: after the switch to {place}"), at, &slots);
            if let Some(child) = child {
                let mut run = Run { user: &child, threads: run.threads, checks: &mut *run.checks };
                run.shows(format!("{map}: in a child after the switch to {place}"), at, &slots);
            }
        }
    });
}

/// Every thread counts in places of its own, one in each page, and looks each time whether it finds what it has left
/// there; one of them also switches the context, all the time. In the end the device finds the same.
fn counts_while_it_moves<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        let switched = AtomicUsize::new(0);
        run.together(map, |user, thread, checks| {
            let mut counter = Counter { user, checks, at, pages: map.pages, thread, next: 0 };
            let mut right = (0..map.pages).all(|_| counter.store());
            for switches in 1..=SWITCHES {
                right = right && (0..COUNTS).all(|_| counter.count());
                if thread == 0 {
                    let to = (switches % (SPUS + 1)) as u64;
                    counter.checks.success(format!("switch {switches}"), user.control(SWITCH, to));
                    switched.store(switches, Ordering::Release);
                }
                while switched.load(Ordering::Acquire) < switches {
                    thread::yield_now();
                }
            }
            counter.device_agrees();
        });
    });
}

/// The numbers of one thread. Number n is stored in page n modulo the number of pages, over the number that was last
/// stored there.
struct Counter<'a, U> {
    user: &'a U,
    checks: &'a mut Checks,
    at: UserAddr,
    pages: usize,
    thread: usize,
    next: usize,
}

impl<U: User> Counter<'_, U> {
    /// Where the thread stores this number, in bytes from the start of the mapping.
    fn place(&self, number: usize) -> usize {
        let size = self.user.page_size();
        number % self.pages * size + size / 2 + self.thread * size_of::<usize>()
    }

    fn store(&mut self) -> bool {
        let at = UserAddr::new(self.at.get() + self.place(self.next));
        let stored = self.user.write(at, &self.next.to_ne_bytes());
        let what = format!("thread {}'s number {}", self.thread, self.next);
        self.next += 1;
        self.checks.success(what, stored).is_some()
    }

    /// Finds the old number, and stores the next.
    fn count(&mut self) -> bool {
        let at = UserAddr::new(self.at.get() + self.place(self.next));
        let mut found = [0; size_of::<usize>()];
        let loaded = self.user.read(at, &mut found).map(|()| usize::from_ne_bytes(found));
        let right = loaded == Ok(self.next - self.pages);
        self.checks.equal(
            format!("what thread {} finds where it left a number", self.thread),
            &loaded,
            &Ok(self.next - self.pages),
        );
        right && self.store()
    }

    fn device_agrees(&mut self) {
        for number in self.next.saturating_sub(self.pages)..self.next {
            let mut found = [0; size_of::<usize>()];
            let read = device_read(self.user, self.place(number), &mut found);
            let what = format!("thread {}'s number {number}, as the device sees it", self.thread);
            if self.checks.success(&what, read).is_some() {
                self.checks.equal(what, &usize::from_ne_bytes(found), &number);
            }
        }
    }
}
