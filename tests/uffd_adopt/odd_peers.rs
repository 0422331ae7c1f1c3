//! Peers that send what is no userfaultfd, and that do things in the middle of others.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{FaultCtx, Mixed, VmFault, VmOperations};
use vmctx_uffd::{AdoptError, Adopted, Adoption, Peer, Region, Regions};

use crate::{
    by_hand::{FORK, Own, PROTECTS, REMAP, REMOVE, UNMAP, load},
    own_process::alone,
    snapshot::{Snapshot, byte, file},
    system_call::finds_nothing_at,
};

/// It gives any request the answer that a userfaultfd gives, and what is read from it would be messages of all kinds.
#[test]
fn a_device_of_random_bytes_is_no_userfaultfd() {
    let Some(own) = Own::new(2, 0) else { return };
    let random = File::open("/dev/urandom").unwrap();
    let adopted = Peer::adopt(random.into(), &own.regions(), Snapshot::new(&file(2))).map(drop);
    assert_eq!(adopted, Err(AdoptError::NotAUserfaultfd));
}

/// Sixteen pages, and a peer that says that they are the first of a gigantic region. Nobody looks for the others for ever,
/// and what could not be made a SIGBUS is no zeros either.
#[test]
fn a_region_that_is_hardly_there_keeps_nobody_busy() {
    let Some(own) = Own::new(16, 0) else { return };
    let regions = Regions::new(&[Region { bytes: 1 << 43, ..own.region() }]).unwrap();
    let peer = Peer::adopt(own.sent(), &regions, Snapshot::new(&file(16))).unwrap();
    assert_eq!(own.load(3, 1), byte(3, 1));
    peer.stop().unwrap();
    drop(peer);
    assert!(finds_nothing_at(own.address(5)) && !finds_nothing_at(own.address(3)));
}

/// Nor is anything copied in the middle of that, so it has to be tried between one and the next.
#[test]
fn whoever_loads_goes_on_while_others_give_back() {
    const PAGES: usize = 32;
    let Some(own) = Own::new(PAGES, REMOVE) else { return };
    let _peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file(PAGES))).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                own.give_back(PAGES - 1..PAGES);
                // On one processor nobody else would ever come between two.
                thread::yield_now();
            }
        });
        for page in 0..PAGES - 1 {
            assert_eq!(own.load(page, 1), byte(page, 1));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A driver in whose hook another page is given back each time.
struct Meanwhile {
    snapshot: Snapshot,
    own: Arc<Own>,
    calls: Arc<AtomicUsize>,
}

impl VmOperations for Meanwhile {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.own.give_back(9..10);
        self.snapshot.fault(ctx)
    }
}

/// What was decided is still right, although the page itself was given back before.
#[test]
fn a_hook_is_called_once_whatever_others_give_back() {
    let Some(own) = Own::new(16, REMOVE) else { return };
    let (own, calls) = (Arc::new(own), Arc::new(AtomicUsize::new(0)));
    let state = Meanwhile { snapshot: Snapshot::new(&file(16)), own: Arc::clone(&own), calls: Arc::clone(&calls) };
    let _peer = Adoption::default().readers(2).adopt(own.sent(), &own.regions(), state).unwrap();
    assert_eq!(own.load(0, 1), byte(0, 1));
    own.give_back(0..1);
    assert_eq!(own.load(0, 1), byte(0, 1));
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// The kernel allows no store in the middle of that: it has to be tried again.
#[test]
fn whoever_stores_to_what_is_protected_goes_on_while_others_give_back() {
    let Some(own) = Own::new(16, REMOVE | PROTECTS) else { return };
    own.register_stores();
    let _peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file(16))).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                own.give_back(9..10);
                thread::yield_now();
            }
        });
        for _ in 0..3 {
            own.store(0, 0, 1);
            own.protect(0);
            own.store(0, 0, 2);
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A driver whose hook is in the middle of the third page until somebody says otherwise.
struct Slow {
    snapshot: Snapshot,
    step: Arc<AtomicUsize>,
}

impl VmOperations for Slow {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        let is_first =
            ctx.pgoff().index() == 3 && self.step.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        while is_first && self.step.load(Ordering::SeqCst) == 1 {
            thread::yield_now();
        }
        self.snapshot.fault(ctx)
    }
}

/// Its page is copied to where it is now, and who waits where it was finds what is there by then.
#[test]
fn whoever_waits_for_a_page_that_moves_does_not_wait_for_ever() {
    // Nobody else maps anything where the page was.
    alone(a_page_moves);
}

fn a_page_moves() {
    let Some(own) = Own::new(8, REMAP) else { return };
    let step = Arc::new(AtomicUsize::new(0));
    let state = Slow { snapshot: Snapshot::new(&file(8)), step: Arc::clone(&step) };
    let _peer = Adoption::default().readers(2).adopt(own.sent(), &own.regions(), state).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| own.load(3, 1));
        while step.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let to = own.move_away(3..4);
        own.map_something(3, 77);
        step.store(2, Ordering::SeqCst);
        assert_eq!(load(to + 1), byte(3, 1));
        assert_eq!(waits.join().unwrap(), 77);
    });
}

/// It waits for somebody to read that, and nobody serves it.
#[test]
fn a_child_of_the_peers_may_change_its_mappings_at_once() {
    // The child has nothing of other tests.
    alone(a_child_unmaps);
}

fn a_child_unmaps() {
    // Enough for the child to be there before all of it is poisoned.
    const PAGES: usize = 1 << 16;
    let Some(own) = Own::new(PAGES, FORK | UNMAP | REMOVE) else { return };
    let _peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file(1))).unwrap();
    for round in 0..10 {
        assert!(own.ends_in_a_child(|| own.unmap(PAGES - 1 - round..PAGES - round)), "round {round}");
    }
    assert_eq!(own.load(0, 1), byte(0, 1), "the peer itself is served");
}
