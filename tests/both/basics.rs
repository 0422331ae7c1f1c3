//! Mapping, touching, protecting, unmapping.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use vmctx::{Errno, Mixed, Page as _, UserAddr};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide as _};

use crate::{
    beds::{TestBed, if_told},
    drivers::{OnDrop, PAGE, first_byte, open, page_at, pages, ring},
};

on_each_platform!(
    both_sides_have_the_same_physical_page,
    an_access_over_pages_is_one_of_each,
    what_is_not_there_is_a_sigbus_that_names_the_byte,
    what_the_protection_does_not_allow_is_a_sigsegv,
    mprotect_takes_rights_away_and_gives_them_back,
    a_part_can_be_unmapped_and_the_rest_goes_on,
    a_mapping_keeps_its_file_open,
    a_mmap_hook_that_fails_or_panics_leaves_nothing,
);

fn both_sides_have_the_same_physical_page<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(4 * PAGE));

    assert_eq!(bed.load(page_at(at, 2)), Ok(3));
    bed.store(page_at(at, 2), 77).unwrap();
    assert_eq!(first_byte(&pages[2]), 77);
    pages[2].write(0, &[78]).unwrap();
    assert_eq!(bed.load(page_at(at, 2)), Ok(78));
    bed.store(at, 79).unwrap();
    assert_eq!((first_byte(&pages[0]), bed.counts().handler_calls), (79, 2));
    if_told(bed.mapped_pages(at, 4), 2);
    bed.assert_no_complaints();
}

fn an_access_over_pages_is_one_of_each<B: TestBed>() {
    let bed = B::new();
    let at = bed.mmap(&ring(&bed, &pages(&bed, 2)), Map::shared(3 * PAGE));

    let mut bytes = [0; 8];
    bed.user().read(UserAddr::new(at.get() + PAGE - 4), &mut bytes).unwrap();
    assert_eq!(bytes, [1, 1, 1, 1, 2, 2, 2, 2]);
    // The third page fails; what lies before it was copied.
    let mut bytes = [0; 8];
    let ended = bed.user().read(UserAddr::new(at.get() + 2 * PAGE - 4), &mut bytes);
    assert_eq!((ended, bytes), (Err(Trap::Sigbus(page_at(at, 2))), [2, 2, 2, 2, 0, 0, 0, 0]));
}

fn what_is_not_there_is_a_sigbus_that_names_the_byte<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 1);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(3 * PAGE));

    for (byte, before) in [(UserAddr::new(at.get() + PAGE + 77), 0), (page_at(at, 1), 3)] {
        for tries in 1..=3 {
            assert_eq!(bed.load(byte), Err(Trap::Sigbus(byte)));
            assert_eq!(bed.answers().sigbus, before + tries, "the driver is asked each time");
        }
    }
    // What lies before it was copied, although it had not been touched yet.
    let mut bytes = [0; 8];
    let ended = bed.user().read(UserAddr::new(at.get() + PAGE - 4), &mut bytes);
    assert_eq!((ended, bytes), (Err(Trap::Sigbus(page_at(at, 1))), [1, 1, 1, 1, 0, 0, 0, 0]));
    assert_eq!(bed.load(at), Ok(1));

    bed.munmap(at, 3 * PAGE);
    assert_eq!(bed.load(at), Err(Trap::Sigsegv(at)));
    let nowhere = UserAddr::new(12);
    assert_eq!(bed.load(nowhere), Err(Trap::Sigsegv(nowhere)));
    assert_eq!((bed.mapping_count(), B::references(&pages[0])), (0, 1));
}

fn what_the_protection_does_not_allow_is_a_sigsegv<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let file = ring(&bed, &pages);
    let at = bed.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ));
    assert_eq!(bed.load(at), Ok(1));
    assert_eq!(bed.store(at, 0), Err(Trap::Sigsegv(at)));
    let none = bed.mmap(&file, Map::shared(PAGE).prot(Prot::NONE));
    assert_eq!(bed.load(none), Err(Trap::Sigsegv(none)));
    bed.munmap(none, PAGE);

    bed.user().mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    bed.store(at, 9).unwrap();
    let second = page_at(at, 1);
    assert_eq!(bed.store(second, 0), Err(Trap::Sigsegv(second)));
    assert_eq!((first_byte(&pages[0]), bed.mapping_count()), (9, 2));
}

fn mprotect_takes_rights_away_and_gives_them_back<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(4 * PAGE));
    for page in 0..4 {
        bed.load(page_at(at, page)).unwrap();
    }
    let mprotect = |pages: usize, prot| bed.user().mprotect(at, pages * PAGE, prot).unwrap();
    mprotect(2, Prot::READ);
    assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
    bed.store(page_at(at, 2), 9).unwrap();
    mprotect(1, Prot::NONE);
    assert_eq!(bed.load(at), Err(Trap::Sigsegv(at)));
    assert_eq!(B::references(&pages[0]), 3, "it is still mapped");
    if_told(B::map_count(&pages[0]), 1);
    mprotect(4, Prot::READ | Prot::WRITE);
    bed.store(at, 8).unwrap();
    assert_eq!((first_byte(&pages[0]), first_byte(&pages[2])), (8, 9));
}

fn a_part_can_be_unmapped_and_the_rest_goes_on<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 6);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(6 * PAGE));
    let mapped = |expected: [bool; 6]| {
        for (index, mapped) in expected.into_iter().enumerate() {
            let address = page_at(at, index);
            let byte = u8::try_from(index + 1).unwrap();
            assert_eq!(bed.load(address), if mapped { Ok(byte) } else { Err(Trap::Sigsegv(address)) });
        }
    };
    for page in [0, 2, 3] {
        bed.load(page_at(at, page)).unwrap();
    }
    bed.munmap(page_at(at, 2), 2 * PAGE);
    assert_eq!(bed.mapping_count(), 2);
    for (page, references) in pages.iter().zip([3, 2, 2, 2, 2, 2]) {
        assert_eq!(B::references(page), references);
        if_told(B::map_count(page), references - 2);
    }
    mapped([true, true, false, false, true, true]);
    // The far end still knows its place in the object.
    bed.munmap(at, 2 * PAGE);
    mapped([false, false, false, false, true, true]);
    // What is not mapped is no error.
    bed.munmap(at, 6 * PAGE);
    bed.munmap(at, 6 * PAGE);
    mapped([false; 6]);
    assert_eq!(bed.mapping_count(), 0);
    assert!(pages.iter().all(|page| B::references(page) == 1));
}

fn a_mapping_keeps_its_file_open<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (closed, seen) = (Arc::new(AtomicUsize::new(0)), page.clone());
    let tell = Arc::clone(&closed);
    let on_close = OnDrop(move || _ = tell.fetch_add(1, Ordering::SeqCst));
    let file = open(&bed, move |ctx| {
        let _ = &on_close;
        ctx.populate::<Mixed>()?.insert_page(&page)?.finish()
    });
    let at = bed.mmap(&file, Map::shared(PAGE));

    drop(file);
    assert_eq!(closed.load(Ordering::SeqCst), 0);
    assert_eq!(bed.load(at), Ok(1));
    bed.munmap(at, PAGE);
    assert_eq!(closed.load(Ordering::SeqCst), 1);
    assert_eq!(B::references(&seen), 1);
}

fn a_mmap_hook_that_fails_or_panics_leaves_nothing<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let panics = Arc::new(AtomicBool::new(false));
    let (inserted, told) = (page.clone(), Arc::clone(&panics));
    let file = open(&bed, move |ctx| {
        let ctx = ctx.populate::<Mixed>()?.insert_page(&inserted)?;
        assert!(!told.load(Ordering::SeqCst), "on purpose");
        ctx.finish()
    });
    let mmap = |pages: usize| bed.user().mmap(&file, Map::shared(pages * PAGE));
    let nothing_is_left = || {
        // The lock is free, and no entry is left where nothing is mapped.
        assert_eq!((bed.mapping_count(), B::references(&page)), (0, 2));
        if_told(B::map_count(&page), 0);
        if_told(bed.page_tables_in_use(), 0);
    };
    // Two slots, and one page.
    assert_eq!(mmap(2), Err(Refusal::Errno(Errno::ENXIO)));
    nothing_is_left();
    panics.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| mmap(2))).is_err());
    nothing_is_left();
    panics.store(false, Ordering::SeqCst);
    let at = mmap(1).unwrap();
    assert_eq!(bed.load(at), Ok(1));
}
