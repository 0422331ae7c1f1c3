//! What users ask the kernel for themselves, of memory that a session serves: no session's call, and no driver, sees that.
#![expect(unsafe_code, reason = "system calls, and plain accesses")]

use std::{ffi::c_int, os::unix::process::ExitStatusExt as _, ptr};

use vmctx::{PageRef as _, UserAddr};
use vmctx_uffd::{Map, Options, Trap};

use crate::{
    drivers::{PAGE, number, page_at, pages, ring},
    own_process::{alone, in_its_own_process},
    sessions::{load, open},
    system_call::finds_nothing_at,
    tracked::tracked,
};

fn nobody_waits_for_ever() {
    // SAFETY: a signal that ends this process.
    unsafe { libc::alarm(60) };
}

fn advise(at: UserAddr, pages: usize, advice: c_int) {
    // SAFETY: addresses of a session's, whose pages are brought again.
    assert_eq!(unsafe { libc::madvise(at.get() as *mut _, pages * PAGE, advice) }, 0);
}

/// The kernel has forgotten it then, though the session has not.
#[test]
fn a_sigbus_that_is_given_back_is_one_again() {
    alone(|| {
        nobody_waits_for_ever();
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

/// Moves a mapping, past its session. Nobody else maps anything where it is then.
fn move_away(at: UserAddr, pages: usize) -> UserAddr {
    let to = 0x2000_0000_0000_usize;
    // SAFETY: addresses of a session's, and some that are nobody's.
    let moved = unsafe {
        let how = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        libc::mremap(at.get() as *mut _, pages * PAGE, pages * PAGE, how, to as *mut libc::c_void)
    };
    assert_eq!(moved.addr(), to);
    UserAddr::new(to)
}

/// Runs a test in a process of its own, which is to end by a SIGBUS.
fn ends_in_a_sigbus(which: &str, test: impl FnOnce()) {
    let run = in_its_own_process(which, || {
        nobody_waits_for_ever();
        test();
    });
    if let Some(run) = run {
        assert_eq!(run.status.signal(), Some(libc::SIGBUS), "{}", String::from_utf8_lossy(&run.stderr));
    }
}

/// Where drivers are told of stores, the userfaultfd goes with what is moved, and the session knows of nothing there.
#[test]
fn whoever_moves_a_mapping_himself_waits_nowhere_for_ever() {
    drop(open(Options::default(), 16));
    ends_in_a_sigbus("moved", || {
        let session = open(Options::default().refaults(50), 16);
        let (file, state, _) = tracked(&session, &pages(&session, 2), false);
        let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
        assert_eq!(load(&session, at), Ok(number(0)));
        let moved = move_away(at, 2);
        // SAFETY: what was shown there was moved with the mapping.
        unsafe { ptr::write_volatile(moved.get() as *mut u8, 9) };
        assert_eq!((state.stores(), session.take_errors().len()), (vec![0, 0], 1));
        // SAFETY: there was never anything there. The process ends.
        unsafe { ptr::read_volatile(page_at(moved, 1).get() as *const u8) };
    });
}

/// A page that is behind the end of its file.
fn map_nothing(at: UserAddr) {
    // SAFETY: an address of a session's, where nobody looks for anything of that session's from now on.
    unsafe {
        let file = libc::memfd_create(c"empty".as_ptr(), 0);
        let how = libc::MAP_SHARED | libc::MAP_FIXED;
        assert_eq!(libc::mmap(at.get() as *mut _, PAGE, libc::PROT_READ, how, file, 0).addr(), at.get());
    }
}

/// Where the thread that faults serves, it is asked about each SIGBUS. This one is somebody else's.
#[test]
fn a_sigbus_of_what_the_user_has_mapped_over_a_mapping_is_the_users() {
    drop(open(Options::default(), 16));
    for unmaps in [false, true] {
        ends_in_a_sigbus(if unmaps { "unmapped" } else { "mapped" }, || {
            let session = open(Options::default().in_thread().refaults(50), 16);
            let at = session.mmap(&ring(&session, &pages(&session, 2)), Map::shared(2 * PAGE)).unwrap();
            if unmaps {
                // The addresses stay the session's until all of them are given back.
                session.munmap(at, PAGE).unwrap();
            }
            map_nothing(at);
            // SAFETY: there is nothing. The process ends.
            unsafe { ptr::read_volatile(at.get() as *const u8) };
        });
    }
}

/// It is there all the same, of zeros, as a kernel has it. So nobody else is refused his own page for that.
#[test]
fn memory_that_a_user_has_taken_away_is_zeros_for_all() {
    alone(|| {
        nobody_waits_for_ever();
        for options in [Options::default(), Options::default().in_thread(), Options::default().track_stores()] {
            let session = open(options, 16);
            let shown = pages(&session, 4);
            let file = ring(&session, &shown);
            let [at, other] = [(); 2].map(|()| session.mmap(&file, Map::shared(4 * PAGE)).unwrap());
            (0..4).for_each(|page| assert_eq!(load(&session, page_at(at, page)), Ok(number(page))));
            advise(at, 4, libc::MADV_REMOVE);
            for page in 0..4 {
                assert_eq!([at, other].map(|at| load(&session, page_at(at, page))), [Ok(0), Ok(0)]);
            }
            shown[2].write(0, &[9]).unwrap();
            assert_eq!([at, other].map(|at| load(&session, page_at(at, 2))), [Ok(9), Ok(9)]);
            assert_eq!(session.take_errors(), []);
        }
    });
}
