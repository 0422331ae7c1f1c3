//! Panics in every hook, with payloads whose drop panics as well; and sessions that are dropped while a panic unwinds.

use std::{
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Hooks, MapPagesCtx, Mapped, Mixed, MmapCtx, MmapFile, PageMkwriteCtx,
    PageOffset, PfnMkwriteCtx, VmFault, VmOperations,
};
use vmctx_uffd::{DeviceMemory, Guest, Hook, Map, Options, Page, Session, SessionError, Trap, Uffd};

use crate::{
    drivers::{PAGE, number, page_at, pages, ring},
    sessions::{load, memory, open, session},
};

/// Driver code that panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Hook(Hook),
    /// The drop of the mapping's state.
    State,
    /// The drop of the file.
    File,
}

/// Where driver code panics next, and what became of the payloads.
#[derive(Default)]
struct Plan {
    next: Mutex<Vec<Place>>,
    thrown: AtomicUsize,
    dropped: Arc<AtomicUsize>,
}

#[expect(clippy::panic, reason = "as a driver may")]
impl Plan {
    fn at(&self, place: Place) {
        let mut next = self.next.lock().unwrap();
        let Some(index) = next.iter().position(|planned| *planned == place) else { return };
        next.remove(index);
        drop(next);
        self.thrown.fetch_add(1, Ordering::SeqCst);
        panic_any(Payload { place, dropped: Arc::clone(&self.dropped) });
    }
}

/// What is panicked with: its drop panics as well, once.
#[derive(Debug)]
struct Payload {
    place: Place,
    dropped: Arc<AtomicUsize>,
}

#[expect(clippy::panic, reason = "as a driver may")]
impl Drop for Payload {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        panic_any("the drop of what was panicked with");
    }
}

/// Pages, and behind them frames, with every hook that a process has.
struct State {
    plan: Arc<Plan>,
    pages: Vec<Page>,
    frames: DeviceMemory,
}

impl State {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let page = ctx.lock_page();
        self.plan.at(Place::Hook(Hook::PageMkwrite));
        ctx.allow_locked(page)
    }

    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.plan.at(Place::Hook(Hook::PfnMkwrite));
        ctx.allow()
    }

    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.plan.at(Place::Hook(Hook::MapPages));
        ctx.finish()
    }
}

impl VmOperations for State {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|state: &Self| {
            state.plan.at(Place::Hook(Hook::Open));
            Ok(())
        })
        .close(|state| state.plan.at(Place::Hook(Hook::Close)))
        .may_split(|state, _| {
            state.plan.at(Place::Hook(Hook::MaySplit));
            Ok(())
        })
        .page_mkwrite(Self::page_mkwrite)
        .pfn_mkwrite(Self::pfn_mkwrite)
        .map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.plan.at(Place::Hook(Hook::Fault));
        let pages = self.pages.len();
        match ctx.pgoff().index().checked_sub(pages) {
            None => ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO)),
            Some(frame) => ctx.insert_mixed_with(|_| self.frames.frame(PageOffset::new(frame)).ok_or(Errno::ENXIO)),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.plan.at(Place::State);
    }
}

struct File {
    plan: Arc<Plan>,
    pages: Vec<Page>,
    frames: DeviceMemory,
}

impl MmapFile for File {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let state = State { plan: Arc::clone(&self.plan), pages: self.pages.clone(), frames: self.frames.clone() };
        let ctx = ctx.writable().establish(state)?;
        self.plan.at(Place::Hook(Hook::Mmap));
        Ok(ctx.fill_later())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.plan.at(Place::File);
    }
}

const PAGES: usize = 4;
const FRAMES: usize = 2;

/// Maps, touches, cuts and unmaps, so that every hook is called. Panics go on where they come to; each is caught, and what
/// it panics with is given back.
fn use_all(session: &Session, file: &vmctx_uffd::File) -> Vec<Place> {
    let mut caught = Vec::new();
    let mut catch = |call: &mut dyn FnMut()| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            let payload = panic.downcast::<Payload>().unwrap();
            caught.push(payload.place);
            assert!(catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err());
        }
    };
    let mut at = None;
    catch(&mut || at = Some(session.mmap(file, Map::shared((PAGES + FRAMES) * PAGE)).unwrap()));
    let Some(at) = at else { return caught };
    for page in 0..PAGES + FRAMES {
        let _ = load(session, page_at(at, page));
        let _ = session.write(page_at(at, page), &[77]);
    }
    catch(&mut || session.munmap(page_at(at, 1), PAGE).unwrap());
    catch(&mut || session.munmap(at, (PAGES + FRAMES) * PAGE).unwrap());
    caught
}

/// Everything works, and the pages are the driver's again.
fn assert_whole(session: &Session, kept: &[Page], references: usize) {
    assert_eq!(session.mapping_count(), 0);
    assert!(kept.iter().all(|page| page.references() == references), "{kept:?}");
    let at = session.mmap(&ring(session, &pages(session, 1)), Map::shared(PAGE)).unwrap();
    assert_eq!(load(session, at), Ok(number(0)));
    session.munmap(at, PAGE).unwrap();
}

#[test]
fn whatever_panics_the_session_goes_on() {
    use Place::{File as FileDrop, Hook as In, State as StateDrop};
    let from_calls =
        [In(Hook::Mmap), In(Hook::Open), In(Hook::Close), In(Hook::MaySplit), StateDrop].map(|place| vec![place]);
    let in_faults = [Hook::Fault, Hook::PageMkwrite, Hook::PfnMkwrite, Hook::MapPages].map(|hook| vec![In(hook)]);
    // Several at once: the first goes on, the others do not end the program.
    let several = [
        vec![In(Hook::Mmap), In(Hook::Close), StateDrop],
        vec![In(Hook::Close), StateDrop, In(Hook::Close)],
        vec![In(Hook::Fault), In(Hook::PageMkwrite), In(Hook::MapPages), In(Hook::PfnMkwrite), In(Hook::Fault)],
    ];
    for options in [Options::default(), Options::default().in_thread()] {
        let session = open(options, 64);
        let kept = pages(&session, PAGES);
        let frames = session.memory().device_memory(vmctx::PageCount::new(FRAMES)).unwrap();
        for planned in from_calls.iter().chain(&in_faults).chain(&several) {
            let plan = Arc::new(Plan::default());
            let driver = File { plan: Arc::clone(&plan), pages: kept.clone(), frames: frames.clone() };
            let file = session.file(driver);
            plan.next.lock().unwrap().extend(planned);
            let caught = use_all(&session, &file);
            assert_eq!(*plan.next.lock().unwrap(), [], "each was reached");
            let of_faults = |place: &&Place| {
                matches!(place, In(Hook::Fault | Hook::PageMkwrite | Hook::PfnMkwrite | Hook::MapPages))
            };
            // Of what a fault panics with, the session's owner is told, and the payload is dropped. Of what a call panics
            // with, whoever called has the first.
            let errors = session.take_errors();
            let told = errors.iter().filter(|error| matches!(error, SessionError::Panicked { .. })).count();
            assert_eq!(
                (told, errors.len()),
                (planned.iter().filter(of_faults).count(), told),
                "{planned:?}: {errors:?}"
            );
            assert_eq!(caught.is_empty(), planned.iter().all(|place| of_faults(&place)), "{planned:?}: {caught:?}");
            assert!(caught.iter().all(|place| planned.contains(place)));
            assert_eq!(plan.thrown.load(Ordering::SeqCst), planned.len());
            assert_eq!(plan.dropped.load(Ordering::SeqCst), told + caught.len(), "{planned:?}");
            // A use in which nothing panics.
            assert_eq!(use_all(&session, &file), []);
            assert_whole(&session, &kept, 2);
            plan.next.lock().unwrap().push(FileDrop);
            let panic = catch_unwind(AssertUnwindSafe(|| drop(file))).unwrap_err();
            assert!(catch_unwind(AssertUnwindSafe(|| drop(panic))).is_err(), "and its payload");
            assert_whole(&session, &kept, 1);
        }
    }
}

/// Whose mapping goes with its session: its close hook, the drop of its state and that of its file panic.
fn left_mapped(session: &Session, kept: &[Page]) -> (Arc<Plan>, vmctx::UserAddr) {
    let plan = Arc::new(Plan::default());
    let frames = session.memory().device_memory(vmctx::PageCount::new(FRAMES)).unwrap();
    let file = session.file(File { plan: Arc::clone(&plan), pages: kept.to_vec(), frames });
    let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    plan.next.lock().unwrap().extend([Place::Hook(Hook::Close), Place::State, Place::File]);
    (plan, at)
}

#[test]
fn a_session_that_is_dropped_while_its_drivers_panic_ends_whole() {
    let session = session();
    let kept = pages(&session, PAGES);
    let (plan, at) = left_mapped(&session, &kept);
    assert_eq!(load(&session, at), Ok(number(0)));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(session))).unwrap_err();
    let payload = panic.downcast::<Payload>().unwrap();
    assert_eq!(payload.place, Place::Hook(Hook::Close), "the first goes on");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err());
    assert_eq!(plan.thrown.load(Ordering::SeqCst), 3);
    assert!(kept.iter().all(|page| page.references() == 1));
}

/// A second panic that came out of a drop would end the program.
#[test]
fn a_session_that_is_dropped_while_a_panic_unwinds_ends_whole() {
    for options in [Options::default(), Options::default().in_thread()] {
        let own = memory(64);
        let kept: Vec<Page> = (0..PAGES).map(|_| own.alloc_page().unwrap()).collect();
        let unwinds = |in_ioctl: bool| {
            let memory = own.clone();
            let session = open_in(options, &memory);
            let pages = kept.clone();
            let (plan, at) = left_mapped(&session, &pages);
            let file = session.file(File { plan: Arc::default(), pages: kept.clone(), frames: frames(&session) });
            assert_eq!((load(&session, at), load(&session, page_at(at, 3))), (Ok(0), Ok(0)));
            if in_ioctl {
                let _ = session.ioctl(|_| panic!("on purpose"));
            }
            let _all = (page_of(&memory), file, pages, plan, session, memory);
            panic!("on purpose");
        };
        for in_ioctl in [false, true] {
            let panic = catch_unwind(AssertUnwindSafe(|| unwinds(in_ioctl))).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
            assert!(kept.iter().all(|page| page.references() == 1));
            assert_eq!(own.pages_in_use(), PAGES);
        }
    }
}

fn open_in(options: Options, memory: &vmctx_uffd::Memory) -> Session {
    // Where there is none to be had, that is said there.
    drop(session());
    options.open(memory).unwrap()
}

fn frames(session: &Session) -> DeviceMemory {
    session.memory().device_memory(vmctx::PageCount::new(FRAMES)).unwrap()
}

fn page_of(memory: &vmctx_uffd::Memory) -> Page {
    memory.alloc_page().unwrap()
}

#[test]
fn both_sides_of_a_guest_can_go_while_a_panic_unwinds() {
    drop(session());
    for guest_first in [false, true] {
        let own = memory(64);
        let kept: Vec<Page> = (0..PAGES).map(|_| own.alloc_page().unwrap()).collect();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let joining = thread::spawn(|| Guest::join(theirs).unwrap());
            let session = Session::open_for(&own, ours).unwrap();
            let guest = joining.join().unwrap();
            let (_plan, at) = left_mapped(&session, &kept);
            guest.write(at, &[1]).unwrap();
            let _both: (Box<dyn Send>, Box<dyn Send>) =
                if guest_first { (Box::new(guest), Box::new(session)) } else { (Box::new(session), Box::new(guest)) };
            panic!("on purpose");
        }))
        .unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
        assert!(kept.iter().all(|page| page.references() == 1), "{guest_first}: {kept:?}");
    }
}

/// What was taken away under a panic is a SIGSEGV, and nobody's page.
#[test]
fn what_a_session_had_mapped_is_gone_when_a_panic_has_unwound() {
    let other = session();
    let kept = pages(&other, 1);
    let at = catch_unwind(AssertUnwindSafe(|| {
        let session = open_in(Options::default(), other.memory());
        let at = session.mmap(&ring(&session, &kept), Map::shared(PAGE)).unwrap();
        assert_eq!(load(&session, at), Ok(number(0)));
        panic_any(at);
    }))
    .unwrap_err();
    let at = *at.downcast::<vmctx::UserAddr>().unwrap();
    assert_eq!(load(&other, at), Err(Trap::Sigsegv(at)));
    assert_eq!(kept[0].references(), 1);
}
