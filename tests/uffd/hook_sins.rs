//! What a hook must not do, as far as there is an end to it: what becomes of it is said in the crate's docs.

use std::{
    sync::{Arc, OnceLock, Weak},
    thread,
};

use vmctx::{Errno, FaultCtx, Mixed, PageOffset, UserAddr, VmFault, VmOperations};
use vmctx_uffd::{Hook, Map, Options, Page, Ref, Session, SyscallError, Trap, Uffd};

use crate::{
    drivers::{PAGE, number, page_at, pages},
    sessions::{load, open},
};

const PAGES: usize = 8;
/// A page that is there before anything is done.
const PRESENT: usize = 3;

/// What a hook does that it must not do, about a mapping of its session's: whether it got away with it.
type Sin = fn(&Session, UserAddr) -> bool;

struct Sinner {
    pages: Vec<Page>,
    session: OnceLock<Weak<Session>>,
    at: OnceLock<UserAddr>,
    sin: Sin,
    got_away: OnceLock<bool>,
}

impl VmOperations for Sinner {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        if ctx.pgoff() == PageOffset::ZERO {
            let session = self.session.get().and_then(Weak::upgrade).unwrap();
            self.got_away.set((self.sin)(&session, *self.at.get().unwrap())).unwrap();
        }
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn inside<T>() -> Result<T, SyscallError> {
    Err(SyscallError::InsideHook { hook: Hook::Fault })
}

/// What each comes to, by an answer that the hook gets.
const SINS: [(&str, Sin); 9] = [
    ("read", |session, at| {
        let address = page_at(at, 1);
        session.read(address, &mut [0]) != Err(Trap::InsideHook { hook: Hook::Fault, address })
    }),
    ("write", |session, at| session.write(at, &[0]) != Err(Trap::InsideHook { hook: Hook::Fault, address: at })),
    ("munmap", |session, at| session.munmap(at, PAGE) != inside()),
    ("mprotect", |session, at| session.mprotect(at, PAGE, vmctx_uffd::Prot::READ) != inside()),
    ("mmap", |session, _| {
        let file = session.file_of(&Ref::new(Nothing));
        session.mmap(&file, Map::shared(PAGE)) != inside()
    }),
    ("ioctl", |session, _| session.ioctl(|_| ()) != inside()),
    ("dirty", |session, at| session.dirty(at, PAGE) != inside()),
    ("pause and stop", |session, _| session.pause() != inside() || session.stop() != inside()),
    ("fork", |_, _| {
        // SAFETY: the child ends at once.
        #[expect(unsafe_code, reason = "fork")]
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(0);
            }
            let mut status = -1;
            libc::waitpid(child, &raw mut status, 0) != child || status != 0
        }
    }),
];

struct Nothing;

impl VmOperations for Nothing {
    type Platform = Uffd;
    type Kind = Mixed;
}

/// A session, and where a sinner's pages are mapped.
fn sinner(options: Options, sin: Sin) -> (Arc<Session>, Ref<Sinner>, UserAddr) {
    let session = Arc::new(open(options, 64));
    let state = Sinner {
        pages: pages(&*session, PAGES),
        session: OnceLock::from(Arc::downgrade(&session)),
        at: OnceLock::new(),
        sin,
        got_away: OnceLock::new(),
    };
    let state = Ref::new(state);
    let at = session.map(&state, Map::shared(PAGES * PAGE)).unwrap();
    state.at.set(at).unwrap();
    assert_eq!(load(&session, page_at(at, PRESENT)), Ok(number(PRESENT)));
    (session, state, at)
}

#[test]
fn what_a_hook_must_not_call_says_so_and_the_fault_is_served() {
    for options in [Options::default(), Options::default().in_thread()] {
        for (name, sin) in SINS {
            let (session, state, at) = sinner(options, sin);
            assert_eq!((load(&session, at), state.got_away.get()), (Ok(number(0)), Some(&false)), "{name}");
            assert_eq!(load(&session, page_at(at, 1)), Ok(number(1)), "{name}");
            assert_eq!(session.take_errors(), []);
        }
    }
}

fn raw_load(at: UserAddr) -> u8 {
    // SAFETY: mapped, and served for as long as the session lives.
    #[expect(unsafe_code, reason = "a plain load")]
    unsafe {
        std::ptr::read_volatile(at.get() as *const u8)
    }
}

/// Memory that is there can be touched, though nobody can know that it stays.
#[test]
fn what_is_there_can_be_touched_in_a_hook() {
    for options in [Options::default(), Options::default().in_thread()] {
        let (session, state, at) = sinner(options, |_, at| raw_load(page_at(at, PRESENT)) != number(PRESENT));
        assert_eq!((load(&session, at), state.got_away.get()), (Ok(number(0)), Some(&false)));
    }
}

/// With a reader to spare, a fault of another thread's is served while a hook waits for that thread.
#[test]
fn a_hook_can_wait_for_a_thread_that_faults_where_another_reader_serves() {
    let touch: Sin = |_, at| thread::spawn(move || raw_load(page_at(at, 1))).join().ok() != Some(number(1));
    let (session, state, at) = sinner(Options::default().readers(2), touch);
    assert_eq!((load(&session, at), state.got_away.get()), (Ok(number(0)), Some(&false)));
    // Where whoever faults serves, it is its own reader.
    let (session, state, at) = sinner(Options::default().in_thread(), touch);
    assert_eq!((load(&session, at), state.got_away.get()), (Ok(number(0)), Some(&false)));
}
