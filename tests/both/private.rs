//! Private mappings: what is stored is the user's own.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::{Normal, PageCount, PageOffset, PageRef as _, RwLock as _, UserAddr};
use vmctx_hosted::{Map, Prot, Trap, UserSide as _};

use crate::{
    beds::{TestBed, if_told},
    drivers::{PAGE, PageOf, faulting, first_byte, page_at, pages, ring},
    switched::{SwitchedFile, switched},
    tracked::tracked,
};

on_each_platform!(
    a_store_goes_to_a_copy_of_the_users_own,
    what_was_not_written_shows_what_the_driver_writes,
    a_copy_keeps_its_bytes_when_protections_come_and_go,
    nobody_is_told_of_copies,
    copies_stay_when_the_object_is_revoked,
);

/// A file with these pages, handed back as they are touched.
fn delivering<B: TestBed>(bed: &B, pages: &[PageOf<B>]) -> B::File {
    let pages = pages.to_vec();
    faulting::<Normal, _, _>(bed, move |ctx| {
        let page = pages[ctx.pgoff().index()].clone();
        ctx.deliver(page)
    })
}

fn a_store_goes_to_a_copy_of_the_users_own<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1);
    for file in [ring(&bed, &page), delivering(&bed, &page)] {
        for touched_before in [false, true] {
            let at = bed.mmap(&file, Map::private(PAGE));
            if touched_before {
                assert_eq!(bed.load(at), Ok(1));
                if_told(B::map_count(&page[0]), 1);
            }
            bed.store(at, 9).unwrap();
            let mut bytes = [0; 2];
            bed.user().read(at, &mut bytes).unwrap();
            assert_eq!((bytes, first_byte(&page[0])), ([9, 1], 1));
            // The page itself is no longer mapped.
            if_told(B::map_count(&page[0]), 0);
            bed.munmap(at, PAGE);
        }
    }
    if_told(bed.copies(), 4);
    assert_eq!(bed.pages_in_use(), 1);
}

fn what_was_not_written_shows_what_the_driver_writes<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    for (round, file) in [ring(&bed, &pages), delivering(&bed, &pages)].into_iter().enumerate() {
        let at = bed.mmap(&file, Map::private(4 * PAGE));
        bed.store(at, 91).unwrap();
        assert_eq!(bed.load(page_at(at, 1)), Ok(2));
        bed.store(page_at(at, 1), 92).unwrap();
        assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(91), Ok(92)));
        assert_eq!((first_byte(&pages[0]), first_byte(&pages[1])), (1, 2));
        let shown = &pages[2 + round];
        let there = page_at(at, 2 + round);
        assert_eq!(bed.load(there), Ok(first_byte(shown)));
        shown.write(0, &[77]).unwrap();
        assert_eq!(bed.load(there), Ok(77));
    }
}

fn a_copy_keeps_its_bytes_when_protections_come_and_go<B: TestBed>() {
    let bed = B::new();
    let at = bed.mmap(&ring(&bed, &pages(&bed, 1)), Map::private(PAGE));
    bed.store(at, 8).unwrap();
    bed.user().mprotect(at, PAGE, Prot::READ).unwrap();
    assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
    bed.user().mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    bed.store(at, 9).unwrap();
    assert_eq!(bed.load(at), Ok(9));
    if_told(bed.copies(), 1);
}

fn nobody_is_told_of_copies<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 1);
    let (file, ..) = tracked(&bed, &pages, true);
    let at = bed.mmap(&file, Map::private(PAGE));
    bed.load(at).unwrap();
    bed.store(at, 9).unwrap();
    assert_eq!((bed.load(at), first_byte(&pages[0])), (Ok(9), 1));
    assert_eq!(bed.mkwrite_calls(), 0);
    if_told(bed.copies(), 1);
}

fn copies_stay_when_the_object_is_revoked<B: TestBed>() {
    let bed = B::new();
    let device = switched(&bed);
    let file = bed.open(SwitchedFile(device.clone()));
    let at = bed.mmap(&file, Map::private(4 * PAGE));
    bed.store(at, 55).unwrap();
    assert_eq!(bed.load(page_at(at, 1)), Ok(1));
    let may_sleep = bed.may_sleep();
    *device.on.write(may_sleep) = false;
    device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(4), may_sleep);
    assert_eq!(bed.load(at), Ok(55));
    for page in [1, 2] {
        let at = page_at(at, page);
        assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    }
    // Stores to copies while others are revoked: none is lost.
    *device.on.write(may_sleep) = true;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (bed, done) = (&bed, &done);
        let writer = scope.spawn(move || {
            for round in 0..2000_u32 {
                let word = UserAddr::new(page_at(at, 1).get() + 64);
                bed.user().write(word, &round.to_ne_bytes()).unwrap();
                let mut found = [0; 4];
                bed.user().read(word, &mut found).unwrap();
                assert_eq!(u32::from_ne_bytes(found), round);
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) && !writer.is_finished() {
            device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(4), may_sleep);
        }
    });
    assert_eq!((first_byte(&device.page), bed.load(at)), (1, Ok(55)));
    bed.assert_no_complaints();
}
