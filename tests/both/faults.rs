//! Faults: raced for, given up, repeated, gone wrong.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{Errno, Mixed, Normal, PageOffset, Release};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide};

use crate::{
    beds::{TestBed, if_told},
    drivers::{OnDrop, PAGE, faulting, first_byte, on_fault, open, page_at, pages, ring, share},
    threads::all_at_once,
};

on_each_platform!(
    threads_that_race_for_one_page_all_see_it,
    threads_that_race_for_many_pages_each_find_theirs,
    a_fault_knows_how_its_mapping_was_asked_for,
    a_mmap_hook_knows_whether_stores_would_be_copied,
    a_fault_that_gives_up_its_lock_is_served_again_as_one_that_was_tried,
    a_fault_that_is_repeated_until_it_is_served_is_served,
    a_handler_that_only_repeats_is_found_out,
    a_driver_that_panics_is_told_and_the_others_go_on,
    a_panicking_fault_hook_gives_back_what_it_holds,
    user_memory_and_system_calls_are_out_of_bounds_for_hooks,
);

fn threads_that_race_for_one_page_all_see_it<B: TestBed>() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 40;
    let bed = B::new();
    let page = pages(&bed, 1);
    let file = ring(&bed, &page);
    for round in 1..=ROUNDS {
        let at = bed.mmap(&file, Map::shared(PAGE));
        all_at_once(THREADS, |_| assert_eq!(bed.load(at), Ok(1)));
        assert_eq!((B::references(&page[0]), bed.counts().inserted), (3, round as u64));
        if_told(B::map_count(&page[0]), 1);
        bed.munmap(at, PAGE);
    }
    assert_eq!(bed.refaults(), 0);
    bed.assert_no_complaints();
}

fn threads_that_race_for_many_pages_each_find_theirs<B: TestBed>() {
    const THREADS: usize = 8;
    const PAGES: usize = 64;
    let bed = B::new();
    let mut shown = pages(&bed, PAGES);
    shown.swap(10, 20);
    let file = ring(&bed, &shown);
    for round in 0..40 {
        let at = bed.mmap(&file, Map::shared(PAGES * PAGE));
        all_at_once(THREADS, |thread| {
            for step in 0..PAGES {
                let index = (step * (2 * thread + 1) + round) % PAGES;
                assert_eq!(bed.load(page_at(at, index)), Ok(first_byte(&shown[index])));
            }
        });
        bed.munmap(at, PAGES * PAGE);
    }
    assert!(shown.iter().all(|page| B::references(page) == 2));
    bed.assert_no_complaints();
}

fn a_fault_knows_how_its_mapping_was_asked_for<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = Arc::clone(&seen);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        look.lock().unwrap().push((ctx.is_shared(), ctx.is_cow(), ctx.is_write()));
        ctx.insert_page(&page)
    });
    for map in [Map::shared(PAGE), Map::private(PAGE)] {
        let at = bed.mmap(&file, map);
        assert_eq!(bed.load(at), Ok(1));
    }
    let written = bed.mmap(&file, Map::shared(PAGE));
    bed.store(written, 9).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(true, false, false), (false, true, false), (true, false, true)]);
}

fn a_mmap_hook_knows_whether_stores_would_be_copied<B: TestBed>() {
    let bed = B::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = Arc::clone(&seen);
    let state = share(&bed, on_fault::<B::Platform, Mixed, _>(|ctx| ctx.fail(Errno::ENXIO)));
    let file = open(&bed, move |ctx| {
        let ctx = ctx.writable();
        look.lock().unwrap().push(ctx.is_cow());
        Ok(ctx.establish_shared(state.clone())?.fill_later())
    });
    for map in [Map::shared(PAGE), Map::private(PAGE), Map::private(PAGE).prot(Prot::READ)] {
        bed.mmap(&file, map);
    }
    assert_eq!(*seen.lock().unwrap(), [false, true, true]);
}

fn a_fault_that_gives_up_its_lock_is_served_again_as_one_that_was_tried<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let tries = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&tries);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        tell.lock().unwrap().push(ctx.is_tried());
        match ctx.release() {
            Release::Released(gone) => gone.retry(),
            // What was tried cannot be tried again.
            Release::Keep(ctx) => ctx.insert_page(&page),
            Release::NoWait(_) => unreachable!("nobody asked not to wait"),
        }
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!(bed.load(at), Ok(1));
    assert_eq!(*tries.lock().unwrap(), [false, true]);
    let answers = bed.answers();
    assert_eq!((answers.retry, answers.nopage), (1, 1));
    bed.assert_no_complaints();
}

fn a_fault_that_is_repeated_until_it_is_served_is_served<B: TestBed>() {
    let bed = B::with_refaults(5);
    let page = pages(&bed, 1).remove(0);
    let calls = AtomicUsize::new(0);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        if calls.fetch_add(1, Ordering::SeqCst) < 4 {
            ctx.fail_or_refault(Errno::EINTR)
        } else {
            ctx.insert_page(&page)
        }
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!(bed.load(at), Ok(1));
    bed.assert_no_complaints();
}

fn a_handler_that_only_repeats_is_found_out<B: TestBed>() {
    let bed = B::with_refaults(50);
    let file = faulting::<Mixed, _, _>(&bed, |ctx| ctx.fail_or_refault(Errno::EAGAIN));
    let at = bed.mmap(&file, Map::shared(PAGE));
    bed.assert_repeated(at, 50, bed.load(at));
    assert_eq!((bed.counts().handler_calls, bed.refaults()), (50, 50));
}

/// userfaultfd-go took every error for the end, and left the descriptor open.
fn a_driver_that_panics_is_told_and_the_others_go_on<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        assert!(ctx.pgoff() != PageOffset::ZERO, "page {} is broken", ctx.pgoff());
        ctx.insert_page(&pages[1])
    });
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    bed.assert_panics(at, "page 0 is broken", || bed.load(at).map(drop));
    assert_eq!(bed.load(page_at(at, 1)), Ok(2), "and the others are served");
    bed.munmap(at, 2 * PAGE);
    bed.assert_no_complaints();
}

fn a_panicking_fault_hook_gives_back_what_it_holds<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let locked = page.clone();
    let first = AtomicBool::new(true);
    let file = faulting::<Normal, _, _>(&bed, move |ctx| {
        let locked = ctx.lock_page(&locked);
        assert!(!first.swap(false, Ordering::SeqCst), "on purpose");
        ctx.deliver_locked(locked)
    });
    let at = bed.mmap(&file, Map::private(PAGE));
    bed.assert_panics(at, "on purpose", || bed.store(at, 1));
    assert_eq!((B::references(&page), bed.pages_in_use()), (2, 1));
    // Neither the page nor the address space is locked for ever, and this thread is in no hook.
    bed.store(at, 1).unwrap();
    bed.munmap(at, PAGE);
    assert_eq!((B::references(&page), bed.pages_in_use()), (2, 1));
}

/// What each hook tried with the user's memory.
type Tried = (&'static str, Result<(), Trap>, Result<(), Trap>, [Result<(), Refusal>; 4]);

fn user_memory_and_system_calls_are_out_of_bounds_for_hooks<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1);
    let plain = Arc::new(ring(&bed, &page));
    let present = bed.mmap(&plain, Map::shared(PAGE));
    bed.load(present).unwrap();

    let tried: Arc<Mutex<Vec<Tried>>> = Arc::default();
    let user = Arc::downgrade(bed.user());
    let tries = {
        let tried = Arc::clone(&tried);
        Arc::new(move |hook| {
            let user = user.upgrade().unwrap();
            let calls = [
                user.munmap(present, PAGE),
                user.mprotect(present, PAGE, Prot::READ),
                user.mmap(&plain, Map::shared(PAGE)).map(drop),
                user.ioctl(|_| ()),
            ];
            let accesses = (user.read(present, &mut [0]), user.write(present, &[0]));
            tried.lock().unwrap().push((hook, accesses.0, accesses.1, calls));
        })
    };
    let file = open(&bed, move |ctx| {
        tries("mmap");
        let (in_fault, in_close, page) = (Arc::clone(&tries), Arc::clone(&tries), page[0].clone());
        let on_drop = OnDrop(move || in_close("close"));
        let state = on_fault::<B::Platform, Mixed, _>(move |ctx| {
            let _ = &on_drop;
            in_fault("fault");
            ctx.insert_page(&page)
        });
        Ok(ctx.writable().establish(state)?.fill_later())
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!(bed.load(at), Ok(1));
    bed.munmap(at, PAGE);
    let refused = ["mmap", "fault", "close"].map(|hook| {
        let touched = Trap::Other(format!("user memory at {present} was touched from inside the {hook} hook"));
        let called = Refusal::Other(format!("system call from inside the {hook} hook"));
        (hook, Err(touched.clone()), Err(touched), [(); 4].map(|()| Err(called.clone())))
    });
    assert_eq!(*tried.lock().unwrap(), refused);
    assert_eq!((bed.load(present), bed.mapping_count()), (Ok(1), 1));
    bed.assert_no_complaints();
}
