//! Its memory is memory like any other.

use vmctx::{Errno, UserAddr};
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
