//! Its memory is memory like any other.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::{Errno, PageRef as _, UserAddr};
use vmctx_uffd::{Map, SyscallError};

use crate::{
    drivers::{PAGE, page_at, pages, ring},
    sessions::{load, session},
};

#[test]
fn memory_is_served_without_the_sessions_help() {
    let session = session();
    let at = session.mmap(&ring(&session, &pages(&session, 4)), Map::shared(4 * PAGE)).unwrap();
    assert_eq!(load(&session, page_at(at, 2)), Ok(3));
    // SAFETY: mapped, and served as long as the session lives.
    #[expect(unsafe_code, reason = "a plain load")]
    let byte = unsafe { std::ptr::read_volatile(page_at(at, 3).get() as *const u8) };
    assert_eq!(byte, 4);
    assert_eq!(session.statistics().handler_calls, 2);
    assert_eq!(session.take_errors(), []);
}

#[test]
fn nobody_maps_where_null_pointers_lead() {
    let session = session();
    let file = ring(&session, &pages(&session, 1));
    for at in [0, 0x1000, 0xf000] {
        let mapped = session.mmap(&file, Map::shared(PAGE).at(UserAddr::new(at)));
        assert_eq!(mapped, Err(SyscallError::Failed(Errno::EPERM)), "{at:#x}");
    }
    assert_eq!(session.mapping_count(), 0);
}

#[test]
fn an_aligned_word_is_seen_as_it_was_or_as_it_is() {
    let session = session();
    let pages = pages(&session, 1);
    let at = session.mmap(&ring(&session, &pages), Map::shared(PAGE)).unwrap();
    let word = UserAddr::new(at.get() + PAGE - 8);
    session.write(word, &[0; 8]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..20_000 {
                session.write(word, &[if round % 2 == 0 { 0xff } else { 0 }; 8]).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let (mut user, mut driver) = ([0; 8], [0; 8]);
            session.read(word, &mut user).unwrap();
            pages[0].read(PAGE - 8, &mut driver).unwrap();
            for seen in [user, driver] {
                assert!([[0; 8], [0xff; 8]].contains(&seen), "{seen:?}");
            }
        }
    });
}
