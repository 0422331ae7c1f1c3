//! Mapping, touching, unmapping.

use vmctx::UserAddr;
use vmctx_uffd::{Map, Prot, Trap};

use crate::drivers::{PAGE, answers, first_byte, load, page_at, pages, ring, session};

#[test]
fn both_sides_have_the_same_physical_page() {
    let session = session();
    let pages = pages(&session, 4);
    let at = session.mmap(&ring(&session, &pages), Map::shared(4 * PAGE)).unwrap();

    assert_eq!(load(&session, page_at(at, 2)), Ok(3));
    session.write(page_at(at, 2), &[77]).unwrap();
    assert_eq!(first_byte(&pages[2]), 77);
    vmctx::Page::write(&pages[2], 0, &[78]).unwrap();
    assert_eq!(load(&session, page_at(at, 2)), Ok(78));
    // Without the session's help: it is memory like any other.
    // SAFETY: mapped, and served as long as the session lives.
    #[expect(unsafe_code, reason = "a plain load")]
    let byte = unsafe { std::ptr::read_volatile(page_at(at, 3).get() as *const u8) };
    assert_eq!(byte, 4);
    assert_eq!(session.statistics().handler_calls, 2);
    assert_eq!(session.take_errors(), []);
}

#[test]
fn what_is_not_there_is_a_signal_that_names_the_byte() {
    let session = session();
    let pages = pages(&session, 1);
    let at = session.mmap(&ring(&session, &pages), Map::shared(3 * PAGE)).unwrap();

    let byte = UserAddr::new(at.get() + PAGE + 77);
    for tries in 1..=3 {
        assert_eq!(load(&session, byte), Err(Trap::Sigbus(byte)));
        assert_eq!(answers(&session).sigbus, tries, "the driver is asked each time");
    }
    // What lies before it was copied.
    let mut bytes = [0; 8];
    let error = session.read(UserAddr::new(at.get() + PAGE - 4), &mut bytes);
    assert_eq!((error, bytes), (Err(Trap::Sigbus(page_at(at, 1))), [1, 1, 1, 1, 0, 0, 0, 0]));

    session.munmap(at, 3 * PAGE).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigsegv(at)));
    let nowhere = UserAddr::new(12);
    assert_eq!(load(&session, nowhere), Err(Trap::Sigsegv(nowhere)));
    assert_eq!((session.mapping_count(), pages[0].references()), (0, 1));
}

#[test]
fn what_the_protection_does_not_allow_is_a_sigsegv() {
    let session = session();
    let pages = pages(&session, 2);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(load(&session, at), Ok(1));
    assert_eq!(session.write(at, &[0]), Err(Trap::Sigsegv(at)));

    session.mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    session.write(at, &[9]).unwrap();
    let second = page_at(at, 1);
    assert_eq!(session.write(second, &[0]), Err(Trap::Sigsegv(second)));
    assert_eq!((first_byte(&pages[0]), session.mapping_count()), (9, 2));
}
