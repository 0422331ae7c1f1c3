//! Peers that send what is no userfaultfd, and that do things in the middle of others.

use std::{
    fs::File,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx_uffd::{AdoptError, Peer};

use crate::{
    by_hand::{Own, PROTECTS, REMOVE},
    snapshot::{Snapshot, byte, file},
};

/// It gives any request the answer that a userfaultfd gives, and what is read from it would be messages of all kinds.
#[test]
fn a_device_of_random_bytes_is_no_userfaultfd() {
    let Some(own) = Own::new(2, 0) else { return };
    let random = File::open("/dev/urandom").unwrap();
    let adopted = Peer::adopt(random.into(), &own.regions(), Snapshot::new(&file(2))).map(drop);
    assert_eq!(adopted, Err(AdoptError::NotAUserfaultfd));
}

/// Nor is anything copied in the middle of that, so it has to be tried between one and the next.
#[test]
fn whoever_loads_goes_on_while_others_give_back() {
    const PAGES: usize = 64;
    let Some(own) = Own::new(PAGES, REMOVE) else { return };
    let _peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file(PAGES))).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                own.give_back(PAGES - 1..PAGES);
            }
        });
        for page in 0..PAGES - 1 {
            assert_eq!(own.load(page, 1), byte(page, 1));
        }
        done.store(true, Ordering::Relaxed);
    });
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
            }
        });
        for _ in 0..300 {
            own.store(0, 0, 1);
            own.protect(0);
            own.store(0, 0, 2);
        }
        done.store(true, Ordering::Relaxed);
    });
}
