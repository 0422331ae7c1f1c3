//! What users ask the kernel for themselves, of memory that a session serves: no session's call, and no driver, sees that.
#![expect(unsafe_code, reason = "system calls, and plain accesses")]

use std::ffi::c_int;

use vmctx::UserAddr;
use vmctx_uffd::{Map, Options, Trap};

use crate::{
    drivers::{PAGE, number, page_at, pages, ring},
    own_process,
    sessions::{load, open},
    system_call::finds_nothing_at,
};

/// Runs a test in a process of its own, in which nobody waits for ever.
fn alone(test: impl FnOnce()) {
    own_process::alone(|| {
        // SAFETY: a signal that ends this process.
        unsafe { libc::alarm(60) };
        test();
    });
}

fn advise(at: UserAddr, pages: usize, advice: c_int) {
    // SAFETY: addresses of a session's, whose pages are brought again.
    assert_eq!(unsafe { libc::madvise(at.get() as *mut _, pages * PAGE, advice) }, 0);
}

/// The kernel has forgotten it then, though the session has not.
#[test]
fn a_sigbus_that_is_given_back_is_one_again() {
    alone(|| {
        for options in
            [Options::default(), Options::default().track_stores(), Options::default().track_stores_by_faults()]
        {
            let session = open(options, 16);
            for map in [Map::shared(2 * PAGE), Map::private(2 * PAGE)] {
                let at = session.mmap(&ring(&session, &pages(&session, 1)), map).unwrap();
                let behind = page_at(at, 1);
                // Nobody forgets this one. Where system calls are not served, there is none.
                assert!(finds_nothing_at(behind.get()));
                advise(at, 2, libc::MADV_DONTNEED);
                assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
                assert_eq!(load(&session, at), Ok(number(0)));
            }
            assert_eq!(session.take_errors(), []);
        }
    });
}
