//! First stores: who is told, when, and what becomes of the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap, PfnMkwriteCtx,
    VmFault, VmOperations,
};
use vmctx_uffd::{DeviceMemory, Map, Session, Trap, Uffd};

use crate::drivers::{PAGE, first_byte, load, page_at, pages, session, tracked};

/// umap #32 answered a write-protection event with a copy.
pub(crate) fn tells_the_first_store_and_no_other(session: &Session) {
    let mut pages = pages(session, 4);
    // In order and not: both ways into a mapping.
    for _ in 0..2 {
        pages.reverse();
        let (file, state, _) = tracked(session, &pages, false);
        let at = session.mmap(&file, Map::shared(4 * PAGE)).unwrap();
        assert_eq!(load(session, at), Ok(first_byte(&pages[0])));
        assert_eq!(state.stores(), [0, 0, 0, 0]);
        for _ in 0..3 {
            session.write(at, &[70]).unwrap();
            session.write(page_at(at, 2), &[71]).unwrap();
        }
        assert_eq!((state.stores(), first_byte(&pages[0]), first_byte(&pages[2])), (vec![1, 0, 1, 0], 70, 71));
        session.munmap(at, 4 * PAGE).unwrap();
    }
    assert_eq!(session.take_errors(), []);
}

pub(crate) fn refuses_a_store(session: &Session) {
    let pages = pages(session, 1);
    let (file, ..) = tracked(session, &pages, true);
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(session, at), Ok(1));
    assert_eq!(session.write(at, &[9]), Err(Trap::Sigbus(at)));
    assert_eq!((load(session, at), first_byte(&pages[0])), (Ok(1), 1), "and loads go on");
}

#[test]
fn the_first_store_is_told_and_no_other() {
    tells_the_first_store_and_no_other(&session());
}

#[test]
fn a_store_that_is_refused_is_a_sigbus_and_does_not_happen() {
    refuses_a_store(&session());
}

#[test]
fn what_is_protected_again_is_told_again() {
    let session = session();
    let pages = pages(&session, 3);
    let (file, state, handle) = tracked(&session, &pages, false);
    let at = session.mmap(&file, Map::shared(3 * PAGE)).unwrap();
    for round in 1..=3 {
        for page in 0..3 {
            session.write(page_at(at, page), &[round]).unwrap();
        }
        assert_eq!(state.stores(), [usize::from(round); 3]);
        let protect = session.ioctl(|ctx| {
            let handle = handle.lock().unwrap();
            handle.as_ref().unwrap().lock(ctx).map(|mapped| mapped.write_protect(PageOffset::ZERO, PageCount::new(3)))
        });
        protect.unwrap().unwrap();
        assert_eq!(load(&session, at), Ok(round));
    }
}

/// While stores race with the protection: what was stored after a page was protected has been told.
#[test]
fn no_store_is_lost_between_two_looks() {
    const ROUNDS: usize = 300;
    let session = session();
    let mut pages = pages(&session, 8);
    pages.reverse();
    let (file, state, handle) = tracked(&session, &pages, false);
    let at = session.mmap(&file, Map::shared(8 * PAGE)).unwrap();
    thread::scope(|scope| {
        for thread in 0..2_usize {
            let (session, pages, state) = (&session, &pages, &state);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let page = (2 * round + thread) % 8;
                    let byte = u8::try_from(round % 200).unwrap();
                    session.write(page_at(at, page), &[byte]).unwrap();
                    assert!(state.stores()[page] > 0, "nobody was told of page {page}");
                    assert_eq!(first_byte(&pages[page]), byte);
                }
            });
        }
        for _ in 0..ROUNDS {
            let protect = session.ioctl(|ctx| {
                let handle = handle.lock().unwrap();
                let mapped = handle.as_ref().unwrap().lock(ctx)?;
                mapped.write_protect(PageOffset::ZERO, PageCount::new(4));
                mapped.zap(PageOffset::new(4), PageCount::new(4));
                Ok::<(), Errno>(())
            });
            protect.unwrap().unwrap();
        }
    });
    assert_eq!(session.take_errors(), []);
}

/// Registers whose first store is noted.
struct Registers(DeviceMemory, AtomicUsize);

impl Registers {
    fn pfn_mkwrite<'f>(&self, ctx: PfnMkwriteCtx<'f, Uffd, PfnMap>) -> VmFault<'f> {
        self.1.fetch_add(1, Ordering::Relaxed);
        ctx.allow()
    }
}

impl VmOperations for Registers {
    type Platform = Uffd;
    type Mapping = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&self, ctx: FaultCtx<'f, Uffd, PfnMap>) -> VmFault<'f> {
        match self.0.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

struct RegistersFile(Arc<Registers>);

impl MmapFile for RegistersFile {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.io().establish_shared(Arc::clone(&self.0))?.fill_later())
    }
}

#[test]
fn the_first_store_to_a_frame_is_told() {
    let session = session();
    let memory = session.memory().device_memory(PageCount::new(2)).unwrap();
    let state = Arc::new(Registers(memory, AtomicUsize::new(0)));
    let at = session.mmap(&session.file(RegistersFile(Arc::clone(&state))), Map::shared(2 * PAGE)).unwrap();
    session.write(at, &[3]).unwrap();
    session.write(at, &[4]).unwrap();
    assert_eq!((load(&session, at), state.1.load(Ordering::Relaxed)), (Ok(4), 1));
    assert_eq!(session.statistics().mkwrite_calls, 1);
}
