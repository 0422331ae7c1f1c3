//! Memory that has an owner, what a look-up's errno becomes, and who may ever write.

use std::{
    slice,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use vmctx::{
    Errno, FrameSource as _, Iomem as _, IomemPart, Mixed, MmapCtx, PageCount, PageOffset, PfnMap, Platform,
    UniquePage, UserAddr,
};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide as _};

use crate::{
    beds::TestBed,
    borrowed::{faulting_with, open_with},
    drivers::{PAGE, faulting, on_fault, open, page_at, pages, ring},
};

on_each_platform!(
    a_pool_gets_a_page_back_when_nobody_has_it_any_more,
    a_part_of_device_memory_shows_nothing_of_its_neighbours,
    a_page_that_a_part_does_not_fill_is_not_shown,
    a_look_up_that_says_try_again_is_tried_again,
    a_look_up_that_fails_is_the_answer,
    who_may_ever_write_is_known_when_the_state_is_made,
    what_a_driver_is_told_that_users_do_not_ask_for_they_never_have,
    a_page_that_comes_back_shows_nothing_of_its_last_user,
    a_right_can_be_left_out_in_silence,
);

fn a_pool_gets_a_page_back_when_nobody_has_it_any_more<B: TestBed>() {
    let bed = B::new();
    let page = UniquePage::<B::Platform>::alloc(bed.memory(), bed.may_sleep()).unwrap();
    page.write(0, b"mine").unwrap();
    let page = page.into_page();
    let file = ring(&bed, slice::from_ref(&page));
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!(bed.load(at), Ok(b'm'));
    let Err(page) = UniquePage::<B::Platform>::claim(page) else { panic!("a user has it, and so has the driver") };
    drop(file);
    let Err(page) = UniquePage::<B::Platform>::claim(page) else { panic!("the mapping's state has it") };
    bed.munmap(at, PAGE);
    let claimed = UniquePage::<B::Platform>::claim(page);
    assert!(claimed.is_ok(), "nobody has it any more");
}

/// Three pages of device memory, each full of its number from 1 on.
fn numbered<B: TestBed>(bed: &B) -> <B::Platform as Platform>::Iomem {
    let memory = bed.device_memory(3);
    for page in 0..3 {
        memory.write(page * PAGE, &[u8::try_from(page).unwrap() + 1; PAGE]).unwrap();
    }
    memory
}

/// Opens a file that shows a part, whatever a user maps.
fn showing<B: TestBed>(bed: &B, part: IomemPart<B::Platform>) -> B::File {
    faulting_with::<PfnMap, _, _, _>(bed, part, |part, ctx| {
        ctx.insert_pfn_with(|at| part.frame(at.pgoff()).ok_or(Errno::ENXIO))
    })
}

fn a_part_of_device_memory_shows_nothing_of_its_neighbours<B: TestBed>() {
    let bed = B::new();
    let one = PageCount::new(1);
    let heap = IomemPart::<B::Platform>::whole(numbered(&bed));
    let heap = heap.split_at(PageCount::new(3)).expect_err("nothing would be left");
    let (first, rest) = heap.split_at(one).unwrap();
    let (second, third) = rest.split_at(one).unwrap();
    assert!(second.write(PAGE, &[9]).is_err() && second.frame(PageOffset::new(1)).is_none());
    let file = showing(&bed, second);
    let at = bed.mmap(&file, Map::shared(3 * PAGE));
    assert_eq!(bed.load(at), Ok(2));
    for other in [1, 2] {
        let at = page_at(at, other);
        assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    }
    let (first, third) = first.join(third).expect_err("they do not lie side by side");
    assert_eq!((first.page_count(), third.page_count()), (one, one));

    let (head, tail) = IomemPart::<B::Platform>::whole(numbered(&bed)).split_at(one).unwrap();
    let (head, _) = head.join(third).expect_err("another device's");
    let whole = head.join(tail).unwrap();
    assert_eq!((whole.page_count(), whole.byte_count()), (PageCount::new(3), 3 * PAGE));
}

fn a_page_that_a_part_does_not_fill_is_not_shown<B: TestBed>() {
    let bed = B::new();
    let memory = numbered(&bed);
    let registers = || IomemPart::<B::Platform>::of_bytes(memory.clone(), 16..2 * PAGE + 16).unwrap();
    assert_eq!(registers().page_count(), 1);
    let mut byte = [0];
    registers().read(PAGE - 16, &mut byte).unwrap();
    assert_eq!(byte, [2], "bytes are counted from where the part begins");
    registers().read(2 * PAGE - 1, &mut byte).unwrap();
    assert_eq!(byte, [3], "and end where it does");
    assert!(registers().read(2 * PAGE, &mut byte).is_err());
    let at = bed.mmap(&showing(&bed, registers()), Map::shared(3 * PAGE));
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(2), Err(Trap::Sigbus(page_at(at, 1)))));

    let exposed = bed.mmap(&showing(&bed, registers().exposing_whole_pages()), Map::shared(3 * PAGE));
    assert_eq!([0, 1, 2].map(|page| bed.load(page_at(exposed, page))), [Ok(1), Ok(2), Ok(3)]);

    let second =
        IomemPart::<B::Platform>::of_bytes(memory.clone(), PAGE + 16..2 * PAGE).unwrap().exposing_whole_pages();
    assert_eq!((second.page_count(), second.byte_count()), (PageCount::new(1), PAGE));

    let (head, tail) =
        IomemPart::<B::Platform>::of_bytes(memory.clone(), 16..3 * PAGE).unwrap().split_at(PageCount::new(1)).unwrap();
    assert_eq!(
        (head.page_count(), tail.page_count(), head.byte_count()),
        (PageCount::new(1), PageCount::new(1), 2 * PAGE - 16)
    );

    let less = IomemPart::<B::Platform>::of_bytes(memory.clone(), 16..PAGE).unwrap();
    assert_eq!((less.page_count(), less.frame(PageOffset::ZERO).is_none()), (PageCount::ZERO, true));
    for bytes in [0..3 * PAGE + 1, 7..7] {
        assert!(IomemPart::<B::Platform>::of_bytes(memory.clone(), bytes).is_err());
    }
}

fn a_look_up_that_says_try_again_is_tried_again<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let calls = Arc::new(AtomicUsize::new(0));
    let file = faulting::<Mixed, _, _>(&bed, {
        let calls = Arc::clone(&calls);
        move |ctx| {
            ctx.insert_page_with(|_| match calls.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Errno::EAGAIN),
                1 => Err(Errno::EBUSY),
                _ => Ok(&page),
            })
        }
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!((bed.load(at), calls.load(Ordering::SeqCst)), (Ok(1), 3));
    assert_eq!(bed.answers().sigbus, 0);
}

fn a_look_up_that_fails_is_the_answer<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        ctx.insert_page_with(|at| at.pgoff().of(slice::from_ref(&page)).ok_or(Errno::ENXIO))
    });
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    let behind = UserAddr::new(at.get() + PAGE + 5);
    assert_eq!((bed.load(at), bed.load(behind)), (Ok(1), Err(Trap::Sigbus(behind))));
}

fn who_may_ever_write_is_known_when_the_state_is_made<B: TestBed>() {
    let bed = B::new();
    let writers = Arc::new(Mutex::new(Vec::new()));
    let opened = |grants: bool| {
        let writers = Arc::clone(&writers);
        open(&bed, move |ctx| {
            let ctx = if grants { ctx.writable() } else { ctx };
            let ctx = ctx.establish_with(|at| {
                writers.lock().unwrap().push(at.may_be_written());
                Ok(on_fault::<B::Platform, Mixed, _>(|ctx| ctx.fail(Errno::ENXIO)))
            })?;
            Ok(ctx.fill_later())
        })
    };
    let (granted, not_granted) = (opened(true), opened(false));
    for (file, map) in [
        (&granted, Map::shared(PAGE)),
        (&granted, Map::shared(PAGE).prot(Prot::READ)),
        (&granted, Map::private(PAGE)),
        (&not_granted, Map::shared(PAGE).prot(Prot::READ)),
        (&not_granted, Map::private(PAGE)),
        (&not_granted, Map::shared(PAGE).prot(Prot::NONE)),
    ] {
        bed.user().mmap(file, map).unwrap();
    }
    let seen = writers.lock().unwrap().clone();
    assert_eq!(seen, [true, true, false, false, false, false]);
}

/// Drivers that decide by what is asked for: vhost-vdpa's doorbell refuses what is readable, `bpf_map_mmap` counts who
/// writes, others refuse what can be executed.
fn what_a_driver_is_told_that_users_do_not_ask_for_they_never_have<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let writers = Arc::new(AtomicUsize::new(0));
    let opened = |asks: fn(&AtomicUsize, &mut MmapCtx<'_, B::Platform>) -> bool| {
        let (page, writers) = (page.clone(), Arc::clone(&writers));
        open(&bed, move |mut ctx| {
            if !asks(&writers, &mut ctx) {
                return Err(Errno::EINVAL);
            }
            let page = page.clone();
            let on_fault = on_fault::<B::Platform, Mixed, _>(move |ctx| ctx.insert_page(&page));
            Ok(ctx.writable().establish(on_fault)?.fill_later())
        })
    };
    let may = |at, prot| bed.user().mprotect(at, PAGE, prot);
    let denied = || Err(Refusal::Errno(Errno::EACCES));

    let doorbell = opened(|_, ctx| !ctx.is_readable());
    assert_eq!(bed.user().mmap(&doorbell, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));
    let at = bed.mmap(&doorbell, Map::shared(PAGE).prot(Prot::WRITE));
    assert_eq!((may(at, Prot::READ_WRITE), may(at, Prot::READ)), (denied(), denied()));
    assert_eq!((may(at, Prot::NONE), may(at, Prot::WRITE)), (Ok(()), Ok(())));

    let data = opened(|_, ctx| !ctx.is_executable());
    let at = bed.mmap(&data, Map::shared(PAGE).prot(Prot::READ));
    assert_eq!((may(at, Prot::EXEC), may(at, Prot::READ_WRITE)), (denied(), Ok(())));

    let counted = opened(|writers, ctx| {
        writers.fetch_add(usize::from(ctx.is_writable()), Ordering::SeqCst);
        true
    });
    let reader = bed.mmap(&counted, Map::shared(PAGE).prot(Prot::READ));
    assert_eq!((may(reader, Prot::READ_WRITE), writers.load(Ordering::SeqCst)), (denied(), 0));
    assert_eq!(bed.store(reader, 9), Err(Trap::Sigsegv(reader)));
    let writer = bed.mmap(&counted, Map::shared(PAGE));
    assert_eq!((bed.store(writer, 2), writers.load(Ordering::SeqCst)), (Ok(()), 1));
    assert_eq!((may(writer, Prot::READ), may(writer, Prot::READ_WRITE)), (Ok(()), Ok(())));
    // What is written to a private mapping is its user's own.
    let own = bed.mmap(&counted, Map::private(PAGE).prot(Prot::READ));
    assert_eq!((may(own, Prot::READ_WRITE), bed.store(own, 7), bed.load(reader)), (Ok(()), Ok(()), Ok(2)));

    // Who does not ask decides nothing.
    let free = opened(|_, _| true);
    let at = bed.mmap(&free, Map::shared(PAGE).prot(Prot::NONE));
    assert_eq!((may(at, Prot::EXEC), may(at, Prot::READ_WRITE), bed.store(at, 3)), (Ok(()), Ok(()), Ok(())));
    bed.assert_no_complaints();
}

fn a_page_that_comes_back_shows_nothing_of_its_last_user<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let file = ring(&bed, slice::from_ref(&page));
    let at = bed.mmap(&file, Map::shared(PAGE));
    let (first, last) = (at, UserAddr::new(at.get() + PAGE - 1));
    assert_eq!((bed.store(first, 7), bed.store(last, 8)), (Ok(()), Ok(())));
    let Err(page) = UniquePage::<B::Platform>::claim(page) else { panic!("a user has it") };
    assert_eq!((bed.load(first), bed.load(last)), (Ok(7), Ok(8)), "and sees what it was");
    bed.munmap(at, PAGE);
    drop(file);
    let mut ends = [0; 2];
    let mut read = |page: &UniquePage<B::Platform>| {
        page.read(0, &mut ends[..1]).unwrap();
        page.read(PAGE - 1, &mut ends[1..]).unwrap();
        ends
    };
    let Ok(page) = UniquePage::<B::Platform>::claim_with_contents(page) else { panic!("nobody has it") };
    assert_eq!(read(&page), [7, 8]);
    let Ok(page) = UniquePage::<B::Platform>::claim(page.into_page()) else { panic!("nobody has it") };
    assert_eq!(read(&page), [0, 0]);
}

/// ALSA's status page: whoever asks to write is mapped, and does not write.
fn a_right_can_be_left_out_in_silence<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let file = open(&bed, {
        let page = page.clone();
        move |mut ctx| {
            if !ctx.is_readable() {
                return Err(Errno::EINVAL);
            }
            ctx.drop_write().without_faults::<Mixed>()?.insert_page(&page)?.finish()
        }
    });
    for map in [Map::shared(PAGE), Map::private(PAGE)] {
        let at = bed.mmap(&file, map);
        assert_eq!((bed.load(at), bed.store(at, 9)), (Ok(1), Err(Trap::Sigsegv(at))));
        assert_eq!(bed.user().mprotect(at, PAGE, Prot::READ_WRITE), Err(Refusal::Errno(Errno::EACCES)));
    }
    assert_eq!(bed.user().mmap(&file, Map::shared(PAGE).prot(Prot::NONE)), Err(Refusal::Errno(Errno::EINVAL)));
    // Without copies it can be one of frames.
    let registers = bed.device_memory(1);
    let file = open_with(&bed, registers, |registers, ctx| {
        let frame = registers.frame(PageOffset::ZERO).ok_or(Errno::ENXIO)?;
        ctx.drop_write().without_faults::<PfnMap>()?.insert_pfn(frame)?.finish()
    });
    let at = bed.mmap(&file, Map::private(PAGE));
    assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
    bed.load(at).unwrap();
    bed.assert_no_complaints();
}
