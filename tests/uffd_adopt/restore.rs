//! A peer whose memory is brought from a file, or from pages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{Errno, FaultCtx, Mixed, Normal, PageCount, PageOffset, PageRef as _, UserAddr, VmFault, VmOperations};
use vmctx_uffd::{Adopted, Memory, Page, Peer, Region, Regions};

use crate::{
    by_hand::{Own, PAGE},
    snapshot::{Snapshot, byte, file},
    threads::all_at_once,
};

#[test]
fn every_thread_finds_what_is_in_the_file() {
    const PAGES: usize = 1000;
    for window in [1, 16] {
        let Some(own) = Own::new(PAGES, 0) else { return };
        let state = Snapshot { window, ..Snapshot::new(&file(PAGES)) };
        let peer = Peer::adopt(own.sent(), &own.regions(), state).unwrap();
        all_at_once(4, |thread| {
            for page in (0..PAGES).map(|page| (page * 7 + thread * 100) % PAGES) {
                let offset = page * 13 % PAGE;
                assert_eq!(own.load(page, offset), byte(page, offset));
            }
        });
        peer.stop().unwrap();
        let counted = peer.statistics();
        assert_eq!((counted.copied, counted.failed), (PAGES as u64, 0));
        assert!(counted.handler_calls <= (4 * PAGES / window) as u64, "{counted:?}");
        assert_eq!(peer.take_errors(), []);
        // A copy is the peer's own.
        own.store(3, 0, 99);
        drop(peer);
        assert_eq!((own.load(3, 0), own.load(4, 0)), (99, byte(4, 0)));
    }
}

/// The peer does not wait until it is adopted before it touches its memory.
#[test]
fn whoever_waits_already_is_served() {
    let file = file(4);
    for _ in 0..50 {
        let Some(own) = Own::new(4, 0) else { return };
        let mut peer = None;
        thread::scope(|scope| {
            for page in 0..4 {
                let own = &own;
                scope.spawn(move || assert_eq!(own.load(page, 2), byte(page, 2)));
            }
            peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file)).ok();
        });
        assert!(peer.is_some_and(|peer| peer.take_errors().is_empty()));
    }
}

/// Several regions of one object, in another order than in the file.
#[test]
fn each_region_shows_its_own_part() {
    let Some(own) = Own::new(13, 0) else { return };
    let region = |first: usize, pages: usize, offset: usize| Region {
        base: UserAddr::new(own.address(first)),
        bytes: pages * PAGE,
        offset: (offset * PAGE) as u64,
        page_size: PAGE,
    };
    let regions = Regions::new(&[region(0, 5, 7), region(12, 1, 20), region(5, 7, 0)]).unwrap();
    let peer = Peer::adopt(own.sent(), &regions, Snapshot { window: 4, ..Snapshot::new(&file(21)) }).unwrap();
    let found: Vec<u8> = (0..13).map(|page| own.load(page, 5)).collect();
    let expected: Vec<u8> = (7..12).chain(0..7).chain([20]).map(|page| byte(page, 5)).collect();
    assert_eq!(found, expected);
    assert_eq!(peer.take_errors(), []);
}

/// Pages that are made for a fault and dropped with it.
struct Made<M> {
    memory: Memory,
    dropped: Arc<AtomicUsize>,
    serve: for<'f> fn(FaultCtx<'f, Adopted, M>, Page) -> VmFault<'f>,
}

impl<M> Made<M> {
    fn page(&self, at: PageOffset) -> Result<Page, Errno> {
        let page = self.memory.alloc_page()?;
        let bytes: Vec<u8> = (0..PAGE).map(|offset| byte(at.index(), offset)).collect();
        page.write(0, &bytes).map_err(|_| Errno::EIO)?;
        Ok(page)
    }
}

impl<M> Drop for Made<M> {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl<M: vmctx::Kind> VmOperations for Made<M> {
    type Platform = Adopted;
    type Kind = M;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, M>) -> VmFault<'f> {
        match self.page(ctx.pgoff()) {
            Ok(page) => (self.serve)(ctx, page),
            Err(errno) => ctx.fail(errno),
        }
    }
}

fn restores_with_two_pages<M: vmctx::Kind + vmctx::kind::FilledLater>(
    serve: for<'f> fn(FaultCtx<'f, Adopted, M>, Page) -> VmFault<'f>,
) {
    const PAGES: usize = 100;
    let Some(own) = Own::new(PAGES, 0) else { return };
    let memory = Memory::new(PageCount::new(2)).unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let state = Made { memory: memory.clone(), dropped: Arc::clone(&dropped), serve };
    let peer = Peer::adopt(own.sent(), &own.regions(), state).unwrap();
    all_at_once(2, |_| {
        for page in 0..PAGES {
            assert_eq!(own.load(page, page), byte(page, page));
        }
    });
    peer.stop().unwrap();
    assert_eq!((memory.pages_in_use(), peer.take_errors()), (PageCount::ZERO, vec![]));
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    drop(peer);
    assert_eq!(dropped.load(Ordering::Relaxed), 1, "the state goes with the peer");
}

/// A bound on memory is as small as one likes: what was copied is the peer's.
#[test]
fn pages_are_needed_no_longer_than_their_fault() {
    restores_with_two_pages::<Mixed>(|ctx, page| ctx.insert_page(&page));
    restores_with_two_pages::<Normal>(|ctx, page| ctx.deliver(page));
    restores_with_two_pages::<Normal>(|ctx, page| {
        let page = ctx.lock_page(&page);
        ctx.deliver_locked(page)
    });
}

/// What nobody has asked for yet is brought by an ioctl.
#[test]
fn pages_are_brought_before_they_are_touched() {
    const PAGES: usize = 20;
    let Some(own) = Own::new(PAGES, 0) else { return };
    let memory = Memory::new(PageCount::new(PAGES)).unwrap();
    let pages: Vec<Page> = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
    for (at, page) in pages.iter().enumerate() {
        page.write(0, &[byte(at, 0)]).unwrap();
    }
    let peer = Peer::adopt(own.sent(), &own.regions(), Refuses).unwrap();
    let pushed = peer.ioctl(|unlocked| {
        let mapped = unlocked.find::<Refuses>(UserAddr::new(own.address(0))).unwrap();
        assert_eq!(mapped.insert_page(PageOffset::new(1), &pages[1]), Ok(()));
        assert_eq!(mapped.insert_page(PageOffset::new(1), &pages[1]), Err(Errno::EBUSY));
        assert_eq!(mapped.insert_zero_page(PageOffset::new(4)), Ok(()));
        mapped.insert_pages(PageOffset::new(0), &pages)
    });
    assert_eq!(pushed.unwrap(), Ok(PageCount::new(PAGES - 2)), "what is there is passed over");
    let found: Vec<u8> = (0..PAGES).map(|page| own.load(page, 0)).collect();
    let expected: Vec<u8> = (0..PAGES).map(|page| if page == 4 { 0 } else { byte(page, 0) }).collect();
    assert_eq!(found, expected);
    peer.stop().unwrap();
    let counted = peer.statistics();
    assert_eq!((counted.handler_calls, counted.copied, counted.zeroed), (0, PAGES as u64 - 1, 1));
}

/// Its fault hook serves nothing.
struct Refuses;

impl VmOperations for Refuses {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::ENXIO)
    }
}
