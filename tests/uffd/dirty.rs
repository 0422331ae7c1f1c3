//! Which pages were stored to: by the kernel's word, by faults, and by drivers that are told.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mixed, PageCount, PageMkwriteCtx, PageOffset, PageRange, PageRef as _, SharedObject,
    UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{Map, Options, Page, Prot, Ref, Session, SyscallError, Tracking, Uffd};

use crate::{
    drivers::{PAGE, first_byte, number, page_at, pages},
    sessions::{load, open, session},
};

const PAGES: usize = 64;

struct Image {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
}

impl VmOperations for Image {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|image: &Self| Some(&image.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

/// The same, of a driver that is told of first stores.
struct Told(Image);

impl Told {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Told {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite).object(|told: &Self| Some(&told.0.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.0.fault(ctx)
    }
}

fn image(session: &Session) -> Image {
    let object = SharedObject::new(session.memory().may_sleep()).unwrap();
    let mut pages = pages(session, PAGES);
    // Some do not lie where a mapping has them.
    pages.swap(5, 9);
    pages.swap(30, 40);
    Image { object, pages }
}

fn dirty(session: &Session, at: UserAddr) -> Vec<usize> {
    offsets(&session.dirty(at, PAGES * PAGE).unwrap())
}

fn take(session: &Session, at: UserAddr) -> Vec<usize> {
    offsets(&session.take_dirty(at, PAGES * PAGE).unwrap())
}

fn offsets(ranges: &[PageRange]) -> Vec<usize> {
    ranges.iter().flat_map(|range| range.start.index()..range.end.index()).collect()
}

fn store(session: &Session, at: UserAddr, page: usize, byte: u8) {
    session.write(UserAddr::new(page_at(at, page).get() + 7), &[byte]).unwrap();
}

/// Calls this for each way in which stores are noted, with a mapping of pages.
fn each_way(test: impl Fn(&Session, UserAddr, &[Page])) {
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        for options in [options, options.in_thread(), options.readers(2)] {
            let session = open(options, 256);
            let image = image(&session);
            let pages = image.pages.clone();
            let at = session.map(&Ref::new(image), Map::shared(PAGES * PAGE)).unwrap();
            test(&session, at, &pages);
            assert_eq!(session.take_errors(), []);
        }
    }
    // A session that notes nothing itself, and one that does.
    for options in [Options::default(), Options::default().in_thread(), Options::default().track_stores()] {
        let session = open(options, 256);
        let image = image(&session);
        let pages = image.pages.clone();
        let at = session.map(&Ref::new(Told(image)), Map::shared(PAGES * PAGE)).unwrap();
        test(&session, at, &pages);
        assert_eq!(session.take_errors(), []);
    }
}

#[test]
fn what_is_stored_to_is_told_of_until_it_is_taken() {
    each_way(|session, at, pages| {
        assert_eq!(dirty(session, at), []);
        for (page, shown) in pages.iter().enumerate().take(PAGES / 2) {
            assert_eq!(load(session, page_at(at, page)), Ok(first_byte(shown)));
        }
        assert_eq!(dirty(session, at), [], "loads are no stores");
        let stored = [0, 1, 2, 5, 30, 33, 34, PAGES - 1];
        for page in stored {
            store(session, at, page, 200);
        }
        assert_eq!((dirty(session, at), dirty(session, at)), (stored.to_vec(), stored.to_vec()));
        assert_eq!(take(session, at), stored);
        assert_eq!((dirty(session, at), take(session, at)), (vec![], vec![]));
        // Again, to some that were stored to before and to some that were not.
        for page in [2, 3, 4, 34] {
            store(session, at, page, 201);
        }
        assert_eq!(take(session, at), [2, 3, 4, 34]);
        let mut bytes = [0; 8];
        pages[34].read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [number(34), number(34), number(34), number(34), number(34), number(34), number(34), 201]);
    });
}

#[test]
fn ranges_are_of_the_object_and_as_few_as_there_can_be() {
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        let session = open(options, 256);
        let state = Ref::new(image(&session));
        let at = session.map(&state, Map::shared((PAGES - 10) * PAGE).pgoff(PageOffset::new(10))).unwrap();
        for page in [1, 2, 3, 20] {
            store(&session, at, page, 1);
        }
        // Cut in three, of which the middle one cannot be stored to.
        session.mprotect(page_at(at, 2), 4 * PAGE, Prot::READ).unwrap();
        let range = |start, end| PageRange::new(PageOffset::new(start), PageOffset::new(end));
        let all = session.dirty(at, (PAGES - 10) * PAGE).unwrap();
        assert_eq!(all, [range(11, 12), range(12, 14), range(30, 31)], "one of each mapping");
        assert_eq!(session.take_dirty(page_at(at, 3), PAGE).unwrap(), [range(13, 14)]);
        assert_eq!(session.dirty(at, 10 * PAGE).unwrap(), [range(11, 12), range(12, 13)]);
        // What is taken away is not told of any more.
        session.munmap(page_at(at, 1), PAGE).unwrap();
        state.object.unmap_once(PageOffset::new(30), PageCount::new(1), session.memory().may_sleep());
        assert_eq!(offsets(&session.dirty(at, (PAGES - 10) * PAGE).unwrap()), [12]);
        assert_eq!(load(&session, page_at(at, 20)), Ok(first_byte(&state.pages[30])));
        assert_eq!(offsets(&session.dirty(at, (PAGES - 10) * PAGE).unwrap()), [12]);
    }
}

/// The kernel takes the protection away by itself.
#[test]
fn a_store_that_the_kernel_notes_is_no_event() {
    let events = |options: Options| {
        let session = open(options, 256);
        let at = session.map(&Ref::new(image(&session)), Map::shared(PAGES * PAGE)).unwrap();
        (0..PAGES).for_each(|page| load(&session, page_at(at, page)).map(drop).unwrap());
        let before = session.statistics().events;
        for round in 0..3 {
            (0..PAGES).for_each(|page| store(&session, at, page, round));
            assert_eq!(take(&session, at), (0..PAGES).collect::<Vec<_>>());
        }
        (session.tracking(), session.statistics().events - before)
    };
    let by_faults = (Some(Tracking::Faults), 3 * PAGES as u64);
    assert_eq!(events(Options::default().track_stores_by_faults()), by_faults);
    let (tracking, events) = events(Options::default().track_stores());
    // Before Linux 6.7 the kernel cannot.
    let expected = if tracking == Some(Tracking::Kernel) { 0 } else { 3 * PAGES as u64 };
    assert_eq!(events, expected);
    assert_eq!(session().tracking(), None);
}

/// As a machine is moved while it runs: pages are copied again and again, the last ones while nobody runs.
#[test]
fn a_copy_that_follows_what_is_told_is_the_whole_in_the_end() {
    each_way(|session, at, pages| {
        let done = AtomicBool::new(false);
        let copy = |image: &mut [u8], dirty: &[PageRange]| {
            for page in dirty.iter().flat_map(|range| range.start.index()..range.end.index()) {
                pages[page].read(0, &mut image[page * PAGE..(page + 1) * PAGE]).unwrap();
            }
        };
        let mut image = vec![0; PAGES * PAGE];
        copy(&mut image, &[PageRange::new(PageOffset::ZERO, PageOffset::new(PAGES))]);
        thread::scope(|scope| {
            for thread in 0..3_usize {
                let (session, done) = (&*session, &done);
                scope.spawn(move || {
                    let mut round = 0_u32;
                    while !done.load(Ordering::SeqCst) {
                        let page = (usize::try_from(round).unwrap() * (2 * thread + 1) + thread) % PAGES;
                        let word = UserAddr::new(page_at(at, page).get() + 64 * (thread + 1));
                        session.write(word, &round.to_ne_bytes()).unwrap();
                        round += 1;
                    }
                });
            }
            for _ in 0..200 {
                copy(&mut image, &session.take_dirty(at, PAGES * PAGE).unwrap());
            }
            done.store(true, Ordering::SeqCst);
        });
        copy(&mut image, &session.take_dirty(at, PAGES * PAGE).unwrap());
        for (page, bytes) in image.chunks(PAGE).enumerate() {
            let mut now = [0; PAGE];
            pages[page].read(0, &mut now).unwrap();
            assert!(now == *bytes, "a store to page {page} was missed");
        }
    });
}

/// As memory that is short makes it do.
#[test]
fn what_the_kernel_forgets_was_perhaps_stored_to() {
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        let session = open(options, 256);
        let at = session.map(&Ref::new(image(&session)), Map::shared(PAGES * PAGE)).unwrap();
        load(&session, at).unwrap();
        for page in [3, 4] {
            store(&session, at, page, 9);
        }
        // SAFETY: this session's mapping, whose pages are the driver's and stay.
        #[expect(unsafe_code, reason = "makes the kernel forget pages")]
        let forgotten = unsafe { libc::madvise(at.get() as *mut _, 8 * PAGE, libc::MADV_DONTNEED) };
        assert_eq!(forgotten, 0);
        let known = dirty(&session, at);
        assert!([3, 4].iter().all(|page| known.contains(page)), "{known:?}");
        // One comes back by a load.
        assert_eq!(load(&session, page_at(at, 3)), Ok(number(3)));
        let known = take(&session, at);
        assert!([3, 4].iter().all(|page| known.contains(page)), "{known:?}");
        store(&session, at, 4, 10);
        assert!(dirty(&session, at).contains(&4));
    }
}

#[test]
fn what_is_filled_when_it_is_mapped_was_not_stored_to() {
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        let session = open(options, 256);
        let shown = pages(&session, PAGES);
        let filled = crate::drivers::open(&session, move |ctx| {
            ctx.writable().without_faults::<Mixed>()?.fill_from_first(&shown)
        });
        let at = session.mmap(&filled, Map::shared(PAGES * PAGE)).unwrap();
        assert_eq!(dirty(&session, at), []);
        store(&session, at, 8, 1);
        assert_eq!(take(&session, at), [8]);
        assert_eq!(load(&session, page_at(at, 8)), Ok(number(8)));
    }
}

/// Private copies are found by write protection, which has to be told of.
#[test]
fn private_mappings_are_what_they_were_where_stores_are_noted() {
    for options in [Options::default().track_stores(), Options::default().track_stores().in_thread()] {
        let session = open(options, 256);
        let state = Ref::new(image(&session));
        let at = session.map(&state, Map::private(PAGES * PAGE)).unwrap();
        for page in 0..PAGES {
            assert_eq!(load(&session, page_at(at, page)), Ok(first_byte(&state.pages[page])));
        }
        store(&session, at, 3, 9);
        state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), session.memory().may_sleep());
        let mut bytes = [0; 8];
        session.read(page_at(at, 3), &mut bytes).unwrap();
        assert_eq!((bytes[0], bytes[7], state.pages[5].references()), (number(3), 9, 1));
        assert_eq!(session.dirty(at, PAGE), Err(Errno::EINVAL.into()));
    }
}

#[test]
fn where_stores_are_not_noted_nobody_is_told_of_any() {
    let session = session();
    let at = session.map(&Ref::new(image(&session)), Map::shared(PAGES * PAGE)).unwrap();
    assert_eq!(session.dirty(at, PAGE), Err(Errno::EINVAL.into()));
    let session = open(Options::default().track_stores(), 256);
    let at = session.map(&Ref::new(image(&session)), Map::shared(PAGES * PAGE)).unwrap();
    for (address, bytes) in [(at, 0), (UserAddr::new(at.get() + 1), PAGE), (at, usize::MAX)] {
        assert_eq!(session.dirty(address, bytes), Err(Errno::EINVAL.into()));
    }
    assert_eq!(session.dirty(UserAddr::new(PAGE), PAGE), Ok(vec![]), "nothing is mapped there");
    session.stop().unwrap();
    assert_eq!(session.dirty(at, PAGE), Err(SyscallError::Stopped));
}

/// Where the threads that fault serve, all but one find the page there, as if it had come back.
#[test]
fn loads_by_several_threads_at_once_are_no_stores() {
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        for options in [options, options.in_thread(), options.readers(2)] {
            let session = open(options, 256);
            // All of them lie where the mapping has them. Of what is mapped on its own it is not known who came in between.
            let object = SharedObject::new(session.memory().may_sleep()).unwrap();
            let state = Ref::new(Image { object, pages: pages(&session, PAGES) });
            let at = session.map(&state, Map::shared(PAGES * PAGE)).unwrap();
            for _ in 0..50 {
                let begin = Barrier::new(3);
                let load_all = || {
                    begin.wait();
                    (0..PAGES).for_each(|page| load(&session, page_at(at, page)).map(drop).unwrap());
                };
                thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(load_all))));
                assert_eq!(take(&session, at), [], "{options:?}");
                store(&session, at, 7, 1);
                assert_eq!(take(&session, at), [7], "{options:?}");
                state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), session.memory().may_sleep());
            }
        }
    }
}

/// A driver that wants to be told of a store again knows of the one before, and who asks the session does not.
#[test]
fn what_a_driver_protects_again_was_stored_to_before() {
    fn check<V: VmOperations<Platform = Uffd, Kind = Mixed>>(options: Options, state: impl Fn(Image) -> V) {
        let session = open(options, 256);
        let at = session.map(&Ref::new(state(image(&session))), Map::shared(PAGES * PAGE)).unwrap();
        // One is brought for a store, the other is there before.
        load(&session, page_at(at, 4)).unwrap();
        [3, 4].into_iter().for_each(|page| store(&session, at, page, 200));
        let protect = || {
            let protected = session.ioctl(|ctx| {
                let mapping = ctx.find::<V>(at).unwrap();
                mapping.write_protect(PageOffset::ZERO, PageCount::new(PAGES));
            });
            protected.unwrap();
        };
        protect();
        assert_eq!(dirty(&session, at), [3, 4], "{options:?}");
        assert_eq!(take(&session, at), [3, 4], "{options:?}");
        protect();
        assert_eq!(take(&session, at), [], "{options:?}");
        store(&session, at, 4, 201);
        assert_eq!(take(&session, at), [4], "{options:?}");
        assert_eq!(session.take_errors(), []);
    }
    for options in [Options::default().track_stores(), Options::default().track_stores_by_faults()] {
        for options in [options, options.in_thread()] {
            check(options, |image| image);
            check(options, Told);
        }
    }
    check(Options::default(), Told);
}
