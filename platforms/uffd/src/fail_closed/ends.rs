//! How a session ends when the kernel refuses what it takes for that.

use std::{
    iter,
    sync::{Arc, atomic::Ordering},
    thread,
};

use vmctx::{SharedObject, UserAddr};
use vmctx_hosted::{Map, Ref};

use crate::{
    kernel::{
        failing::{alone, fail, stop_failing},
        sys::PAGE_SIZE,
    },
    memory::Page,
};

use super::{
    AT, File, PAGES, Ring, Served, Toucher, Whose, address_in, assert_foreign, by_readers, in_thread, memory_and_pages,
    paint,
};

/// Ends a session that has pages inserted and others not, and has the `n`th system call fail meanwhile, and so many that come
/// after it. Whether there was one.
fn end_once<const TOLD: bool>(whose: Whose, at: usize, n: u64, more: u64) -> bool {
    let (memory, pages) = memory_and_pages();
    let served = Served::open(whose, &memory);
    let object = SharedObject::new(memory.may_sleep()).unwrap();
    let state = Ref::new(Ring::<TOLD> { object, pages: pages.clone() });
    let file = served.session.file(File { state, filled: false });
    served.session.mmap(&file, Map::shared(PAGES * PAGE_SIZE).at(UserAddr::new(at))).unwrap();
    drop(file);
    for page in [0, 2, 5] {
        served.read(UserAddr::new(address_in(at, page)));
    }
    let toucher = Arc::new(Toucher::new(at));
    let touching = Arc::clone(&toucher);
    let thread = thread::spawn(move || touching.touch());
    fail(n, more);
    drop(served);
    let has_failed = stop_failing();
    if more == 0 {
        toucher.wait();
    }
    toucher.done.store(true, Ordering::SeqCst);
    // Where nothing could be taken away, whoever touches it waits for ever.
    if more == 0 {
        thread.join().unwrap();
    }
    let kept = pages.iter().any(|page| page.references() != 1);
    assert!(has_failed || !kept, "all is given back, if nothing has failed");
    drop(pages);
    let others: Vec<Page> = iter::from_fn(|| memory.alloc_page().ok()).collect();
    others.iter().for_each(|page| paint(page, super::FOREIGN));
    toucher.assert_nothing_foreign();
    others.iter().for_each(assert_foreign);
    has_failed
}

/// More than anything is tried again.
const MANY: u64 = 1200;

fn every_call_of_an_end_fails(whose: Whose, more: u64) {
    alone(|| {
        // Each has addresses of its own: where no system call works, they stay mapped.
        let at = |n: u64| AT + usize::try_from(n).unwrap() * (PAGES + 1) * PAGE_SIZE;
        let plain = (1..).take_while(|n| end_once::<false>(whose, at(*n), *n, more)).count();
        let told = (1..).take_while(|n| end_once::<true>(whose, at(1000 + *n), *n, more)).count();
        // Not many, if all pages were touched before.
        assert!(plain >= 1 && told >= 1, "only {plain} and {told} calls were made");
    });
}

#[test]
fn a_session_ends_whatever_call_fails() {
    every_call_of_an_end_fails(by_readers(), 0);
}

#[test]
fn a_session_ends_when_many_calls_fail() {
    every_call_of_an_end_fails(by_readers(), MANY);
}

#[test]
fn a_session_whose_users_serve_ends_whatever_call_fails() {
    every_call_of_an_end_fails(in_thread(), 0);
}

#[test]
fn a_session_of_a_guest_ends_whatever_call_fails() {
    every_call_of_an_end_fails(Whose::Guests, 0);
}
