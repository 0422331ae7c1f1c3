//! Nobody reaches what no driver has inserted, at no moment and whatever the kernel refuses.

mod children;
mod copies;
mod ends;

use std::{
    iter,
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageMkwriteCtx, PageOffset, PageRef as _,
    SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Prot, Ref};

use crate::{
    guest::Guest,
    kernel::{
        failing::{alone, fail, stop_failing},
        signals,
        sys::PAGE_SIZE,
    },
    memory::{Memory, Page},
    session::{calls::Session, options::Options},
    uffd::Uffd,
};

/// Far from where the kernel puts what has no address of its own, and a sanitizer what it knows of memory, so that nothing
/// else is ever mapped there.
const AT: usize = 0x2000_0000_0000;
const PAGES: usize = 8;
/// What pages have that no driver has inserted.
const FOREIGN: u8 = 0xee;

/// Pages that show by faults, and where some do not lie where a mapping would have them.
struct Ring<const TOLD: bool> {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
}

impl<const TOLD: bool> Ring<TOLD> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let page = ctx.lock_page();
        ctx.allow_locked(page)
    }
}

impl<const TOLD: bool> VmOperations for Ring<TOLD> {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = if TOLD { Hooks::NONE.page_mkwrite(Self::page_mkwrite) } else { Hooks::NONE };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

struct File<const TOLD: bool> {
    state: Ref<Ring<TOLD>>,
    filled: bool,
}

impl<const TOLD: bool> MmapFile for File<TOLD> {
    type Platform = Uffd;

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(&self.state.object)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let established = ctx.writable().establish_shared(self.state.clone())?;
        if self.filled { established.fill_from_first(&self.state.pages) } else { Ok(established.fill_later()) }
    }
}

/// How the memory is mapped.
#[derive(Clone, Copy, Debug)]
enum How {
    Shared,
    /// By the mmap hook, not by faults.
    Filled,
    /// The driver is told of first stores.
    Told,
    Private,
}

fn number(page: usize) -> u8 {
    10 + u8::try_from(page).unwrap()
}

fn address(page: usize) -> usize {
    address_in(AT, page)
}

fn address_in(at: usize, page: usize) -> usize {
    at + page * PAGE_SIZE
}

/// Whoever touches the addresses all the time, whether or not anything is mapped there.
struct Toucher {
    at: usize,
    rounds: AtomicUsize,
    done: AtomicBool,
    /// A page in which it has found what is somebody else's.
    wrong: Mutex<Option<(usize, u8)>>,
}

impl Toucher {
    fn new(at: usize) -> Self {
        Self { at, rounds: AtomicUsize::new(0), done: AtomicBool::new(false), wrong: Mutex::default() }
    }

    fn touch(&self) {
        while !self.done.load(Ordering::SeqCst) {
            for page in 0..PAGES {
                let (mut found, own, at) = (0_u8, number(page), address_in(self.at, page));
                // SAFETY: nothing but a session's mapping is ever at these addresses.
                let (loaded, _) = unsafe {
                    let loaded = signals::copy(&raw mut found, (at + 1) as *const u8, 1);
                    (loaded, signals::copy((at + 2) as *mut u8, &raw const own, 1))
                };
                if loaded.is_ok() && found != own {
                    self.wrong.lock().get_or_insert((page, found));
                }
            }
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Returns when everything was touched once more.
    fn wait(&self) {
        let now = self.rounds.load(Ordering::SeqCst);
        while self.rounds.load(Ordering::SeqCst) < now + 2 {
            thread::yield_now();
        }
        self.assert_nothing_foreign();
    }

    fn assert_nothing_foreign(&self) {
        assert_eq!(*self.wrong.lock(), None, "this page has what is somebody else's");
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A session, and the process whose addresses it serves: this one, as itself or as a guest.
struct Served {
    // The session ends first.
    session: Session,
    guest: Option<Guest>,
}

/// Whose addresses they are.
#[derive(Clone, Copy)]
enum Whose {
    Own(Options),
    /// As another process's, though it is this one that joins.
    Guests,
}

impl Served {
    fn open(whose: Whose, memory: &Memory) -> Self {
        match whose {
            Whose::Own(options) => Self { session: options.open(memory).unwrap(), guest: None },
            Whose::Guests => {
                let (ours, theirs) = UnixStream::pair().unwrap();
                let joining = thread::spawn(|| Guest::join(theirs).unwrap());
                let session = Session::open_for(memory, ours).unwrap();
                Self { session, guest: Some(joining.join().unwrap()) }
            }
        }
    }

    fn read(&self, at: UserAddr) {
        let _ = match &self.guest {
            Some(guest) => guest.read(at, &mut [0]),
            None => self.session.read(at, &mut [0]),
        };
    }
}

/// Everything that a session does to addresses, to two mappings of one object. If it is to wait for no access, the toucher
/// alone touches: where no system call works any more, an access neither ends nor fails.
fn use_session<const TOLD: bool>(served: &Served, pages: Vec<Page>, how: How, waits: bool) {
    let session = &served.session;
    let object = SharedObject::new(session.memory().may_sleep()).unwrap();
    let state = Ref::new(Ring::<TOLD> { object, pages });
    let file = session.file(File { state: state.clone(), filled: matches!(how, How::Filled) });
    let bytes = PAGES * PAGE_SIZE;
    let map = if matches!(how, How::Private) { Map::private(bytes) } else { Map::shared(bytes) };
    let at = UserAddr::new(AT);
    if session.mmap(&file, map.at(at)).is_err() {
        return;
    }
    let touch = || {
        for page in (0..PAGES).filter(|_| waits) {
            served.read(UserAddr::new(address(page)));
        }
    };
    touch();
    state.object.unmap_once(PageOffset::new(2), PageCount::new(3), session.memory().may_sleep());
    touch();
    let part = UserAddr::new(address(1));
    for prot in [Prot::READ, Prot::NONE, Prot::READ_WRITE] {
        let _ = session.mprotect(part, 4 * PAGE_SIZE, prot);
        touch();
    }
    let _ = session.munmap(UserAddr::new(address(3)), 2 * PAGE_SIZE);
    touch();
    let _ = session.mmap(&file, Map::shared(2 * PAGE_SIZE).at(UserAddr::new(address(3))));
    touch();
    let _ = session.munmap(at, bytes);
}

fn paint(page: &Page, byte: u8) {
    page.write(0, &[byte; PAGE_SIZE]).unwrap();
}

/// Memory, and pages of it, of which two do not lie where a mapping would have them. All others were somebody else's.
fn memory_and_pages() -> (Memory, Vec<Page>) {
    let memory = Memory::new(PageCount::new(64)).unwrap();
    let all: Vec<Page> = iter::from_fn(|| memory.alloc_page().ok()).collect();
    all.iter().for_each(|page| paint(page, FOREIGN));
    let mut pages: Vec<Page> = all[..PAGES].to_vec();
    pages.swap(2, 5);
    pages.iter().enumerate().for_each(|(at, page)| paint(page, number(at)));
    (memory, pages)
}

/// Has the `n`th system call fail. Whether there was one.
fn once(whose: Whose, how: How, failing: Option<(u64, bool)>) -> bool {
    let (memory, pages) = memory_and_pages();
    let served = Served::open(whose, &memory);
    let toucher = Toucher::new(AT);
    thread::scope(|scope| {
        let _done = OnDrop(|| toucher.done.store(true, Ordering::SeqCst));
        scope.spawn(|| toucher.touch());
        toucher.wait();
        if let Some((n, for_good)) = failing {
            fail(n, if for_good { u64::MAX } else { 0 });
        }
        let waits = failing.is_none_or(|(_, for_good)| !for_good);
        match how {
            How::Told => use_session::<true>(&served, pages, how, waits),
            _ => use_session::<false>(&served, pages, how, waits),
        }
        let has_failed = stop_failing();
        // Whoever gets the pages next does not share them.
        let others: Vec<Page> = iter::from_fn(|| memory.alloc_page().ok()).collect();
        others.iter().for_each(|page| paint(page, FOREIGN));
        assert!(has_failed || others.len() == 64, "pages were lost, though nothing has failed");
        toucher.wait();
        drop(served);
        toucher.wait();
        others.iter().for_each(assert_foreign);
        has_failed
    })
}

/// Nobody has stored to it.
fn assert_foreign(page: &Page) {
    let mut bytes = [0; PAGE_SIZE];
    page.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [FOREIGN; PAGE_SIZE]);
}

fn every_call_fails_once(whose: Whose, for_good: bool, ways: &[How]) {
    alone(|| {
        for how in ways {
            let failed = (1..).take_while(|n| once(whose, *how, Some((*n, for_good)))).count();
            assert!(failed >= 10, "{how:?}: only {failed} calls were made");
        }
    });
}

fn in_thread() -> Whose {
    Whose::Own(Options::default().in_thread())
}

fn by_readers() -> Whose {
    Whose::Own(Options::default())
}

#[test]
fn nobody_reaches_foreign_pages_while_mappings_come_and_go() {
    alone(|| {
        for round in 0..20 {
            let whose = [by_readers(), in_thread(), Whose::Guests][round % 3];
            for how in [How::Shared, How::Filled, How::Told, How::Private] {
                once(whose, how, None);
            }
        }
    });
}

#[test]
fn nor_when_a_system_call_fails() {
    every_call_fails_once(by_readers(), false, &[How::Shared, How::Filled, How::Told, How::Private]);
}

#[test]
fn nor_when_all_fail_from_some_moment_on() {
    every_call_fails_once(by_readers(), true, &[How::Filled, How::Told]);
}

#[test]
fn nor_where_the_thread_that_faults_serves() {
    every_call_fails_once(in_thread(), false, &[How::Shared, How::Told, How::Private]);
}

#[test]
fn nor_where_another_process_has_the_addresses() {
    every_call_fails_once(Whose::Guests, false, &[How::Shared, How::Told, How::Private]);
}
