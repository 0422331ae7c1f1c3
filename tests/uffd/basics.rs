//! Its memory is memory like any other.

use vmctx_uffd::Map;

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
