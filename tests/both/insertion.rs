//! What drivers insert: references, refusals, neighbours, the zero page, frames by number.

use std::sync::{Arc, Mutex};

use vmctx::{
    Errno, FrameSource as _, Iomem as _, Mixed, Normal, PageCount, PageOffset, PageRef as _, PfnMap, Prefault,
};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide as _};

use crate::{
    beds::{TestBed, if_told},
    borrowed::faulting_with,
    drivers::{PAGE, faulting, first_byte, number, open, page_at, pages, ring},
};

on_each_platform!(
    an_inserted_page_has_a_reference_of_its_own,
    pages_that_lie_in_any_order_show_where_the_driver_put_them,
    the_same_page_shows_in_many_slots,
    one_fault_brings_its_neighbours_too,
    neighbours_stay_if_the_fault_itself_fails,
    what_is_in_place_is_left_alone,
    a_window_fills_the_free_slots_of_the_mapping_but_the_faults,
    a_window_passes_over_what_is_there,
    a_window_may_begin_and_end_anywhere,
    a_page_handed_back_is_mapped_with_its_reference,
    a_page_can_be_handed_back_for_two_slots,
    a_mapping_without_a_fault_hook_has_what_mmap_gave_it,
    a_page_of_other_memory_is_not_mapped,
    the_zero_page_is_for_who_cannot_write_it,
    frames_by_number_are_those_of_the_device,
);

fn an_inserted_page_has_a_reference_of_its_own<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let inserted = page.clone();
    let file = open(&bed, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&inserted)?.finish());
    let is_mapped = |times: usize| {
        assert_eq!(B::references(&page), 2 + times);
        if_told(B::map_count(&page), times);
    };
    is_mapped(0);
    let once = bed.mmap(&file, Map::shared(PAGE));
    let twice = bed.mmap(&file, Map::shared(PAGE));
    is_mapped(2);
    bed.munmap(once, PAGE);
    bed.munmap(twice, PAGE);
    is_mapped(0);
}

fn pages_that_lie_in_any_order_show_where_the_driver_put_them<B: TestBed>() {
    let bed = B::new();
    let mut pages = pages(&bed, 64);
    pages.reverse();
    pages.swap(3, 40);
    let file = ring(&bed, &pages);
    let at = bed.mmap(&file, Map::shared(64 * PAGE));
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(bed.load(page_at(at, index)), Ok(first_byte(page)), "page {index}");
        bed.store(page_at(at, index), 200).unwrap();
        assert_eq!(first_byte(page), 200, "page {index}");
    }
    bed.munmap(at, 64 * PAGE);
    assert!(pages.iter().all(|page| B::references(page) == 2), "the driver's and the test's");
}

fn the_same_page_shows_in_many_slots<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let shown = page.clone();
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| ctx.insert_page(&shown));
    let at = bed.mmap(&file, Map::shared(8 * PAGE));
    bed.store(page_at(at, 5), 99).unwrap();
    assert!((0..8).all(|index| bed.load(page_at(at, index)) == Ok(99)));
    assert_eq!(B::references(&page), 10);
}

fn one_fault_brings_its_neighbours_too<B: TestBed>() {
    let bed = B::new();
    let shown = pages(&bed, 16);
    let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
        for (index, page) in shown.iter().enumerate() {
            let expected =
                if PageOffset::new(index) == ctx.pgoff() { Prefault::TheFaultItself } else { Prefault::Inserted };
            assert_eq!(ctx.prefault_page(PageOffset::new(index), page), expected);
        }
        assert_eq!(ctx.prefault_page(PageOffset::new(16), &shown[0]), Prefault::OutsideMapping);
        let again = PageOffset::new(usize::from(ctx.pgoff() == PageOffset::ZERO));
        assert_eq!(ctx.prefault_page(again, &shown[0]), Prefault::AlreadyPresent);
        let own = ctx.pgoff().index();
        ctx.insert_page(&shown[own])
    });
    let at = bed.mmap(&file, Map::shared(16 * PAGE));
    for index in 0..16 {
        assert_eq!(bed.load(page_at(at, (index + 7) % 16)), Ok(number((index + 7) % 16)));
    }
    let counts = bed.counts();
    assert_eq!((bed.faults(), counts.handler_calls, counts.inserted), (1, 1, 16));
    bed.assert_no_complaints();
}

fn neighbours_stay_if_the_fault_itself_fails<B: TestBed>() {
    let bed = B::new();
    let shown = pages(&bed, 2);
    let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
        ctx.prefault_page(PageOffset::new(1), &shown[1]);
        ctx.fail(Errno::EIO)
    });
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    assert_eq!(bed.load(page_at(at, 1)), Ok(2));
    assert_eq!(bed.counts().handler_calls, 1);
}

fn what_is_in_place_is_left_alone<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 3);
    let prefaults = Arc::new(Mutex::new(Vec::new()));
    let (inserted, tell) = (pages.clone(), Arc::clone(&prefaults));
    let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
        let mut found = Vec::new();
        for at in [0, 1, 9] {
            found.push(ctx.prefault_page(PageOffset::new(at), &inserted[2]));
        }
        found.push(ctx.prefault_page(PageOffset::new(1), &inserted[1]));
        *tell.lock().unwrap() = found;
        ctx.insert_page(&inserted[0])
    });
    let at = bed.mmap(&file, Map::shared(3 * PAGE));
    assert_eq!(bed.load(at), Ok(1));
    use Prefault::{AlreadyPresent, Inserted, OutsideMapping, TheFaultItself};
    assert_eq!(*prefaults.lock().unwrap(), [TheFaultItself, Inserted, OutsideMapping, AlreadyPresent]);
    assert_eq!(bed.load(page_at(at, 1)), Ok(3));
    let counts = bed.counts();
    assert_eq!((bed.faults(), counts.inserted, counts.already_present), (1, 2, 1));
    assert_eq!(B::references(&pages[1]), 2);
    if_told(B::map_count(&pages[1]), 0);
}

fn a_window_fills_the_free_slots_of_the_mapping_but_the_faults<B: TestBed>() {
    let bed = B::new();
    let mut pages = pages(&bed, 11);
    let there = pages.remove(10);
    let foreign = self::pages(&B::new(), 1).remove(0);
    let counts = Arc::new(Mutex::new(Vec::new()));
    let (inserted, tell) = ((pages.clone(), there.clone()), Arc::clone(&counts));
    let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
        let (pages, there) = &inserted;
        assert_eq!(ctx.pgoff(), PageOffset::new(4));
        assert_eq!(ctx.prefault_page(PageOffset::new(6), there), Prefault::Inserted);
        let mut window = pages.clone();
        window[7] = foreign.clone();
        let counts = [(); 2].map(|()| ctx.prefault_pages(PageOffset::ZERO, &window));
        tell.lock().unwrap().extend(counts);
        let answer = ctx.insert_page(&pages[9]);
        assert!(!answer.already_present());
        answer
    });
    let at = bed.mmap(&file, Map::shared(7 * PAGE).pgoff(PageOffset::new(2)));
    assert_eq!(bed.load(page_at(at, 2)), Ok(10));
    assert_eq!(*counts.lock().unwrap(), [4, 0].map(PageCount::new));
    if_told(bed.mapped_pages(at, 7), 6);
    for (slot, byte) in [(0, 3), (1, 4), (2, 10), (3, 6), (4, 11), (6, 9)] {
        assert_eq!(bed.load(page_at(at, slot)), Ok(byte), "slot {slot}");
    }
    assert_eq!((bed.faults(), bed.counts().inserted), (1, 6));
    for (page, times) in pages.iter().chain([&there]).zip([0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1]) {
        assert_eq!(B::references(page), 2 + times);
        if_told(B::map_count(page), times);
    }
}

fn a_window_passes_over_what_is_there<B: TestBed>() {
    const SLOTS: usize = 8;
    // Before the fault's slot and behind it: at the beginning, at the end, and in the middle.
    const FAULT: usize = 3;
    const FILLED: [usize; 5] = [0, 2, 4, 6, 7];
    let bed = B::new();
    let (first_comers, window) = (pages(&bed, SLOTS), pages(&bed, SLOTS));
    for page in &window {
        page.write(0, &[first_byte(page) + 100]).unwrap();
    }
    let inserted = (first_comers.clone(), window.clone());
    let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
        let (first_comers, window) = &inserted;
        for at in FILLED {
            assert_eq!(ctx.prefault_page(PageOffset::new(at), &first_comers[at]), Prefault::Inserted);
        }
        assert_eq!(ctx.prefault_pages(PageOffset::ZERO, window), PageCount::new(SLOTS - FILLED.len() - 1));
        ctx.insert_page(&first_comers[FAULT])
    });
    let at = bed.mmap(&file, Map::shared(SLOTS * PAGE));
    assert_eq!(bed.load(page_at(at, FAULT)), Ok(number(FAULT)));
    for slot in 0..SLOTS {
        let is_first_comer = slot == FAULT || FILLED.contains(&slot);
        let byte = if is_first_comer { number(slot) } else { number(slot) + 100 };
        assert_eq!(bed.load(page_at(at, slot)), Ok(byte), "slot {slot}");
        for (page, is_mapped) in [(&first_comers[slot], is_first_comer), (&window[slot], !is_first_comer)] {
            assert_eq!(B::references(page), 2 + usize::from(is_mapped), "slot {slot}");
            if_told(B::map_count(page), usize::from(is_mapped));
        }
    }
    assert_eq!((bed.faults(), bed.counts().inserted), (1, SLOTS as u64));
}

fn a_window_may_begin_and_end_anywhere<B: TestBed>() {
    const SHOWN: std::ops::Range<usize> = 2..6;
    let bed = B::new();
    let pages = pages(&bed, 9);
    let windows = (0..8).chain(usize::MAX - 8..=usize::MAX).flat_map(|at| (0..=pages.len()).map(move |len| (at, len)));
    let mut cases = 0;
    for ((first, len), fault) in windows.flat_map(|window| SHOWN.map(move |fault| (window, fault))) {
        cases += 1;
        // Which page of the window belongs at a slot, if that is not the fault's own.
        let window_at = |slot: usize| slot.checked_sub(first).filter(|&index| index < len && slot != fault);
        let expected = SHOWN.filter(|&slot| window_at(slot).is_some()).count();
        let (window, own) = (pages[..len].to_vec(), self::pages(&bed, 1).remove(0));
        own.write(0, &[0]).unwrap();
        let file = faulting::<Mixed, _, _>(&bed, move |mut ctx| {
            assert_eq!(ctx.prefault_pages(PageOffset::new(first), &window), PageCount::new(expected));
            ctx.insert_page(&own)
        });
        let bytes = SHOWN.len() * PAGE;
        let at = bed.mmap(&file, Map::shared(bytes).pgoff(PageOffset::new(SHOWN.start)));
        let case = format!("{len} pages at {first}, a fault at {fault}");
        assert_eq!(bed.load(page_at(at, fault - SHOWN.start)), Ok(0), "{case}");
        if_told(bed.mapped_pages(at, SHOWN.len()), expected + 1);
        for (slot, index) in SHOWN.filter_map(|slot| Some((slot, window_at(slot)?))) {
            assert_eq!(bed.load(page_at(at, slot - SHOWN.start)), Ok(number(index)), "{case}: {slot}");
        }
        bed.munmap(at, bytes);
    }
    // One fault each: the other reads found what the window had brought.
    assert_eq!(bed.faults(), cases);
    for page in &pages {
        assert_eq!(B::references(page), 1);
        if_told(B::map_count(page), 0);
    }
}

fn a_page_handed_back_is_mapped_with_its_reference<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let shown = pages.clone();
    let file = faulting::<Normal, _, _>(&bed, move |ctx| {
        let page = shown[ctx.pgoff().index()].clone();
        if ctx.is_write() {
            let locked = ctx.lock_page(&page);
            ctx.deliver_locked(locked)
        } else {
            ctx.deliver(page)
        }
    });
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!(bed.load(at), Ok(1));
    bed.store(page_at(at, 1), 50).unwrap();
    assert_eq!((first_byte(&pages[1]), B::references(&pages[0]), B::references(&pages[1])), (50, 3, 3));
    let answers = bed.answers();
    assert_eq!((answers.page, answers.locked), (1, 1));
}

fn a_page_can_be_handed_back_for_two_slots<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let delivered = page.clone();
    let file = faulting::<Normal, _, _>(&bed, move |ctx| {
        if ctx.pgoff() == PageOffset::ZERO {
            ctx.deliver(delivered.clone())
        } else {
            let locked = ctx.lock_page(&delivered);
            ctx.deliver_locked(locked)
        }
    });
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    bed.store(at, 5).unwrap();
    assert_eq!(B::references(&page), 3);
    if_told(B::map_count(&page), 1);
    // The lock is given back with the second one: else this would hang.
    assert_eq!(bed.load(page_at(at, 1)), Ok(5));
    assert_eq!(B::references(&page), 4);
    if_told(B::map_count(&page), 2);
    let counts = bed.counts();
    assert_eq!((counts.inserted, counts.answers.page, counts.answers.locked), (2, 1, 1));
}

fn a_mapping_without_a_fault_hook_has_what_mmap_gave_it<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let file = open(&bed, move |ctx| Ok(ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.fill_later()));
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!(bed.load(at), Ok(1));
    assert_eq!(bed.load(page_at(at, 1)), Err(Trap::Sigbus(page_at(at, 1))));
    assert_eq!(bed.counts().handler_calls, 0);
}

fn a_page_of_other_memory_is_not_mapped<B: TestBed>() {
    let (bed, other) = (B::new(), B::new());
    let foreign = pages(&other, 1).remove(0);

    let page = foreign.clone();
    let at_mmap = open(&bed, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
    assert_eq!(bed.user().mmap(&at_mmap, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));

    let page = foreign.clone();
    let in_fault = faulting::<Mixed, _, _>(&bed, move |ctx| ctx.insert_page(&page));
    let page = foreign.clone();
    let delivering = faulting::<Normal, _, _>(&bed, move |ctx| ctx.deliver(page.clone()));
    for file in [in_fault, delivering] {
        let at = bed.mmap(&file, Map::shared(PAGE));
        assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    }
    if_told(B::map_count(&foreign), 0);
}

fn the_zero_page_is_for_who_cannot_write_it<B: TestBed>() {
    let bed = B::new();
    let at_mmap = open(&bed, |ctx| ctx.writable().without_faults::<Mixed>()?.insert_zero_page()?.finish());
    let in_fault = faulting::<Mixed, _, _>(&bed, |ctx| ctx.insert_zero_page());

    // It could be written some day.
    for prot in [Prot::READ_WRITE, Prot::READ] {
        assert_eq!(bed.user().mmap(&at_mmap, Map::shared(PAGE).prot(prot)), Err(Refusal::Errno(Errno::EINVAL)));
    }
    let shared = bed.mmap(&in_fault, Map::shared(PAGE));
    assert_eq!(bed.load(shared), Err(Trap::Sigbus(shared)));

    for file in [&at_mmap, &in_fault] {
        let at = bed.mmap(file, Map::private(PAGE));
        let another = bed.mmap(file, Map::private(PAGE));
        assert_eq!(bed.load(at), Ok(0));
        bed.store(at, 9).unwrap();
        assert_eq!((bed.load(at), bed.load(another)), (Ok(9), Ok(0)));
    }
    let at = bed.mmap(&in_fault, Map::private(2 * PAGE));
    assert_eq!(bed.load(at), Ok(0));
    bed.store(at, 5).unwrap();
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(5), Ok(0)));

    let forbidden = open(&bed, |ctx| ctx.read_only()?.without_faults::<Mixed>()?.insert_zero_page()?.finish());
    bed.mmap(&forbidden, Map::shared(PAGE).prot(Prot::READ));
}

fn frames_by_number_are_those_of_the_device<B: TestBed>() {
    let bed = B::new();
    let device = bed.device_memory(4);
    device.write(0, &[101]).unwrap();
    let file = faulting_with::<PfnMap, _, _, _>(&bed, device.clone(), |device, ctx| {
        ctx.insert_pfn_with(|at| device.frame(at.pgoff()).ok_or(Errno::ENXIO))
    });
    for prot in [Prot::READ_WRITE, Prot::READ] {
        let copy_on_write = bed.user().mmap(&file, Map::private(PAGE).prot(prot));
        assert_eq!(copy_on_write, Err(Refusal::Errno(Errno::EINVAL)));
    }
    let at = bed.mmap(&file, Map::shared(5 * PAGE));
    assert_eq!(bed.load(at), Ok(101));
    bed.user().write(page_at(at, 3), b"register").unwrap();
    let mut bytes = [0; 8];
    device.read(3 * PAGE, &mut bytes).unwrap();
    assert_eq!(&bytes, b"register");
    let behind = page_at(at, 4);
    assert_eq!(bed.load(behind), Err(Trap::Sigbus(behind)));
}
