//! What a peer does to its addresses: gives memory back, unmaps, moves, forks.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::PageOffset;
use vmctx_uffd::{Adoption, Peer};

use crate::{
    by_hand::{Own, PAGE, REMAP, REMOVE, UNMAP, load},
    snapshot::{Snapshot, byte, file},
};

fn touch_all(own: &Own) {
    for page in 0..own.pages() {
        assert_eq!(own.load(page, 1), byte(page, 1));
    }
}

/// A driver that looks has it zero from then on, and one that does not brings it anew.
#[test]
fn what_is_given_back_is_missing_again() {
    const PAGES: usize = 64;
    for (features, looks) in [(REMOVE, true), (REMOVE, false), (0, true)] {
        let Some(own) = Own::new(PAGES, features) else { return };
        let regions = own.regions();
        let removed = looks.then(|| regions.removed());
        let state = Snapshot { removed, window: 8, ..Snapshot::new(&file(PAGES)) };
        let peer = Peer::adopt(own.sent(), &regions, state).unwrap();
        touch_all(&own);
        own.store(20, 1, 200);
        own.give_back(10..30);
        // Without the event nobody can know.
        let is_zero = looks && features != 0;
        for page in (0..PAGES).rev() {
            let expected = if is_zero && (10..30).contains(&page) { 0 } else { byte(page, 1) };
            assert_eq!(own.load(page, 1), expected, "page {page}");
        }
        peer.stop().unwrap();
        let counted = peer.statistics();
        assert_eq!(counted.removed, if features == 0 { 0 } else { 20 });
        assert_eq!(peer.removed().contains(PageOffset::new(29)), features != 0);
        assert!(!peer.removed().contains(PageOffset::new(30)));
        assert_eq!((peer.take_errors(), counted.zeroed), (vec![], if is_zero { 20 } else { 0 }));
    }
}

/// Firecracker #4990: nothing of the file comes back where a balloon has taken it, whoever touches it meanwhile.
#[test]
fn nothing_of_the_file_comes_back_while_others_touch_and_give_back() {
    const PAGES: usize = 256;
    for readers in [1, 3] {
        let Some(own) = Own::new(PAGES, REMOVE) else { return };
        let regions = own.regions();
        let state = Snapshot { removed: Some(regions.removed()), window: 4, ..Snapshot::new(&file(PAGES)) };
        let peer = Adoption::default().readers(readers).adopt(own.sent(), &regions, state).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for thread in 0..3 {
                let (own, done) = (&own, &done);
                scope.spawn(move || {
                    for page in (0..).map(|round: usize| (round * 37 + thread * 85) % PAGES) {
                        let found = own.load(page, 7);
                        assert!(found == 0 || found == byte(page, 7));
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            for round in 0..400 {
                let first = round * 13 % (PAGES - 16);
                own.give_back(first..first + 16);
                for page in first..first + 16 {
                    assert_eq!(own.load(page, 7), 0, "page {page} in round {round}");
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        peer.stop().unwrap();
        assert_eq!((peer.take_errors(), peer.statistics().removed), (vec![], 400 * 16));
    }
}

#[test]
fn what_has_moved_is_served_where_it_is_now() {
    const PAGES: usize = 30;
    let Some(own) = Own::new(PAGES, REMAP | UNMAP | REMOVE) else { return };
    let regions = own.regions();
    let state = Snapshot { removed: Some(regions.removed()), window: 8, ..Snapshot::new(&file(PAGES)) };
    let peer = Peer::adopt(own.sent(), &regions, state).unwrap();
    let to = own.move_away(10..20);
    for page in (0..10).chain(20..PAGES) {
        assert_eq!(own.load(page, 3), byte(page, 3));
    }
    for page in 10..20 {
        assert_eq!(load(to + (page - 10) * PAGE + 3), byte(page, 3));
    }
    own.unmap(25..30);
    // Nothing is left of what was unmapped, and something else may be there.
    let other = Own::new(1, 0).unwrap();
    assert_eq!(peer.statistics().moved, 1);
    peer.stop().unwrap();
    assert!(peer.statistics().unmapped >= 1);
    assert_eq!(peer.take_errors(), []);
    drop(other);
}
