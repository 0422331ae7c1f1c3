//! The zero page, in any number.

use std::fs;

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset,
    PageRef as _, PfnMkwriteCtx, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{DeviceMemory, Map, Options, Page, Prot, Ref, Session, Trap, Uffd};

use crate::{
    drivers::{PAGE, page_at},
    sessions::{load, open, session},
};

/// An object most of which is zeros.
struct Sparse {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
    /// Every so many-th page has bytes.
    every: usize,
    read_only: bool,
}

impl VmOperations for Sparse {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff().index();
        if at % self.every != 0 {
            return ctx.insert_zero_page();
        }
        ctx.insert_page_with(|_| self.pages.get(at / self.every).ok_or(Errno::ENXIO))
    }
}

struct File(Ref<Sparse>);

impl MmapFile for File {
    type Platform = Uffd;

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(&self.0.object)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let ctx = if self.0.read_only { ctx.drop_write() } else { ctx };
        Ok(ctx.establish_shared(self.0.clone())?.fill_later())
    }
}

fn sparse(session: &Session, every: usize, pages: usize, read_only: bool) -> Ref<Sparse> {
    let object = SharedObject::new(session.memory().may_sleep()).unwrap();
    let pages = (0..pages).map(|_| session.memory().alloc_page().unwrap()).collect::<Vec<_>>();
    for (at, page) in pages.iter().enumerate() {
        page.write(0, &[number(at)]).unwrap();
    }
    Ref::new(Sparse { object, pages, every, read_only })
}

fn number(page: usize) -> u8 {
    page.to_le_bytes()[0] | 1
}

/// How many mappings of the kernel's begin at these addresses.
fn kernel_mappings(at: UserAddr, pages: usize) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let starts = maps.lines().filter_map(|line| usize::from_str_radix(line.split('-').next()?, 16).ok());
    starts.filter(|start| (at.get()..at.get() + pages * PAGE).contains(start)).count()
}

/// More slots than the kernel has mappings for a process. They take no memory either.
#[test]
fn a_hundred_thousand_slots_of_zero_are_one_mapping() {
    const PAGES: usize = 100_000;
    for read_only in [false, true] {
        let session = session();
        // Nothing but zeros.
        let state = sparse(&session, usize::MAX, 1, read_only);
        let map = if read_only { Map::shared(PAGES * PAGE).prot(Prot::READ) } else { Map::private(PAGES * PAGE) };
        let at = session.mmap(&session.file(File(state)), map).unwrap();
        for page in 1..PAGES {
            assert_eq!(load(&session, page_at(at, page)), Ok(0));
        }
        assert_eq!(session.take_errors(), []);
        assert_eq!(session.memory().pages_in_use(), PageCount::new(1));
        assert!(kernel_mappings(at, PAGES) <= 3, "{}", kernel_mappings(at, PAGES));
    }
}

/// In a private mapping pages lie among them wherever they were going to, and only stores make copies.
#[test]
fn zeros_and_pages_lie_side_by_side() {
    const PAGES: usize = 400;
    let session = session();
    let state = sparse(&session, 4, PAGES / 4, false);
    let file = session.file(File(state.clone()));
    let at = session.mmap(&file, Map::private(PAGES * PAGE)).unwrap();
    let expected = |page: usize| if page % 4 == 0 { number(page / 4) } else { 0 };
    for page in 0..PAGES {
        assert_eq!(load(&session, page_at(at, page)), Ok(expected(page)), "page {page}");
    }
    session.write(page_at(at, 5), &[77]).unwrap();
    session.write(page_at(at, 8), &[78]).unwrap();
    // The driver takes all of it away. What was stored is the user's own, a zero page is not.
    let calls = session.statistics().handler_calls;
    state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), session.memory().may_sleep());
    for page in 0..PAGES {
        let expected = match page {
            5 => 77,
            8 => 78,
            _ => expected(page),
        };
        assert_eq!(load(&session, page_at(at, page)), Ok(expected), "page {page}");
    }
    assert_eq!(session.statistics().handler_calls - calls, PAGES as u64 - 2);
    session.write(page_at(at, 6), &[79]).unwrap();
    assert_eq!([5, 6, 7].map(|page| load(&session, page_at(at, page))), [Ok(77), Ok(79), Ok(0)]);
    assert_eq!(session.take_errors(), []);
}

/// In a shared mapping, too, and there nobody can store.
#[test]
fn shared_zeros_are_taken_away_as_pages_are() {
    const PAGES: usize = 64;
    let session = session();
    let state = sparse(&session, 8, PAGES / 8, true);
    let file = session.file(File(state.clone()));
    let at = session.mmap(&file, Map::shared(PAGES * PAGE).prot(Prot::READ)).unwrap();
    for _ in 0..3 {
        for page in 0..PAGES {
            let expected = if page % 8 == 0 { number(page / 8) } else { 0 };
            assert_eq!(load(&session, page_at(at, page)), Ok(expected), "page {page}");
        }
        assert!(session.write(page_at(at, 3), &[1]).is_err());
        state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), session.memory().may_sleep());
    }
    assert_eq!(session.statistics().handler_calls, 3 * PAGES as u64);
    assert_eq!(session.take_errors(), []);
}

/// Zeros, and a driver that would have users store to them.
struct Generous {
    all: DeviceMemory,
    zero: PageOffset,
}

impl Generous {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let zero = self.all.frame(self.zero).unwrap();
        ctx.insert_mixed_mkwrite(zero)
    }
}

impl VmOperations for Generous {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_zero_page()
    }
}

struct GenerousFile(Ref<Generous>);

impl MmapFile for GenerousFile {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.io().writable().establish_shared(self.0.clone())?.fill_later())
    }
}

#[test]
fn a_store_to_the_zero_page_cannot_be_allowed_by_its_number() {
    let session = session();
    let (all, page) = (session.memory().physical_memory(), session.memory().alloc_page().unwrap());
    // The zero page lies before all others.
    let zero = usize::try_from(page.pfn()).unwrap() - 1;
    assert!(all.read(zero * PAGE, &mut [0]).is_ok() && all.write(zero * PAGE, &[9]).is_err());
    let state = Ref::new(Generous { all: all.clone(), zero: PageOffset::new(zero) });
    let at = session.mmap(&session.file(GenerousFile(state)), Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(0));
    assert_eq!(session.write(at, &[9]), Err(Trap::Sigbus(at)));
    assert_eq!(load(&session, at), Ok(0));
}

/// Neither was stored to: the zero page cannot be, and where nothing is there is nothing to be protected.
#[test]
fn zeros_are_not_stored_to_and_come_after_dirty_pages_were_taken() {
    const PAGES: usize = 8;
    for options in [Options::default().track_stores_by_faults(), Options::default().track_stores()] {
        for options in [options, options.in_thread()] {
            let session = open(options, 64);
            let file = session.file(File(sparse(&session, 4, PAGES / 4, true)));
            let zeros = session.file(File(sparse(&session, usize::MAX, 1, true)));
            for (file, first) in [(file, 0), (zeros, 1)] {
                let map = Map::shared(PAGES * PAGE).pgoff(PageOffset::new(first)).prot(Prot::READ);
                let at = session.mmap(&file, map).unwrap();
                for page in 0..PAGES {
                    load(&session, page_at(at, page)).unwrap();
                    // Once it was for ever that the next one waited for its zeros.
                    assert_eq!(session.take_dirty(at, PAGES * PAGE), Ok(vec![]), "{options:?}, page {page}");
                }
            }
            assert_eq!(session.take_errors(), []);
        }
    }
}
