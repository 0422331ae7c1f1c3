//! G23: `open` is called for every VMA, that of mmap too, and `close` for each that was opened: a count is right after
//! cuts, forks, moves and mmaps that fail (CVE-2025-38563 and CVE-2025-38565 perf, CVE-2026-23056 uacce, 6220694c52a5
//! P2PDMA).
#![forbid(unsafe_code)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};
use vmctx::{Errno, Hooks, Mapped, Mixed, MmapCtx, MmapFile, Platform, UserAddr, VmOperations};
use vmctx_sim::{Injection, Machine, Map, Sim};

#[derive(Default)]
struct Event {
    /// VMAs.
    users: AtomicUsize,
    /// Mappings, and the pages that they were made with.
    states: AtomicUsize,
    pages: AtomicUsize,
    refuses: AtomicBool,
}

struct Perf<P: Platform>(Arc<Event>, Vec<P::Page>);

impl<P: Platform> MmapFile for Perf<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        // Nothing is counted here, so no `?` leaves the count too high.
        let ctx = ctx.shared_only()?.writable().establish_with(|at| Ok(Counted::<P>::new(&self.0, at.page_count().get())))?;
        ctx.may_expand().fill_at_pgoff(&self.1)
    }
}

struct Counted<P> {
    event: Arc<Event>,
    pages: usize,
    platform: std::marker::PhantomData<fn(P) -> P>,
}

impl<P: Platform> Counted<P> {
    fn new(event: &Arc<Event>, pages: usize) -> Self {
        event.states.fetch_add(1, SeqCst);
        event.pages.fetch_add(pages, SeqCst);
        Self { event: event.clone(), pages, platform: std::marker::PhantomData }
    }

    fn open(&self) -> Result<(), Errno> {
        if self.event.refuses.load(SeqCst) {
            return Err(Errno::EPERM);
        }
        self.event.users.fetch_add(1, SeqCst);
        Ok(())
    }

    fn close(&self) {
        self.event.users.fetch_sub(1, SeqCst);
    }
}

/// Nobody has it mapped any more, in every case.
impl<P> Drop for Counted<P> {
    fn drop(&mut self) {
        self.event.states.fetch_sub(1, SeqCst);
        self.event.pages.fetch_sub(self.pages, SeqCst);
    }
}

impl<P: Platform> VmOperations for Counted<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open).close(Self::close);
}

fn main() {
    let machine = Machine::new();
    let event = Arc::new(Event::default());
    let counts = || (event.users.load(SeqCst), event.states.load(SeqCst), event.pages.load(SeqCst));
    let pages = (0..4).map(|_| machine.alloc_page().unwrap()).collect();
    let file = machine.open(Perf::<Sim>(event.clone(), pages));
    let process = machine.process();
    let mmap = || process.mmap(&file, Map::shared(4 * 4096));

    // A mmap that fails is closed, and an `open` that fails makes the mmap fail and is not.
    machine.inject(Injection::Insertion { after: 1, errno: Errno::ENOMEM });
    assert_eq!(mmap().unwrap_err().errno(), Some(Errno::ENOMEM));
    assert_eq!(counts(), (0, 0, 0));
    event.refuses.store(true, SeqCst);
    assert_eq!(mmap().unwrap_err().errno(), Some(Errno::EPERM));
    assert_eq!(counts(), (0, 0, 0));
    event.refuses.store(false, SeqCst);

    // The VMA of mmap is opened as any other.
    let at = mmap().unwrap();
    assert_eq!(counts(), (1, 1, 4));
    process.munmap(at, 4 * 4096).unwrap();
    assert_eq!(counts(), (0, 0, 0));

    // A cut in the middle makes two of one, and each goes by itself.
    let at = mmap().unwrap();
    let last = UserAddr::new(at.get() + 3 * 4096);
    process.munmap(UserAddr::new(at.get() + 4096), 2 * 4096).unwrap();
    assert_eq!(counts(), (2, 1, 4));
    process.munmap(at, 4096).unwrap();
    assert_eq!(counts(), (1, 1, 4));
    process.munmap(last, 4096).unwrap();
    assert_eq!(counts(), (0, 0, 0));

    // fork makes another, and the child's exit takes it away.
    let at = mmap().unwrap();
    let child = process.fork().unwrap();
    assert_eq!(counts(), (2, 1, 4));
    child.exit().unwrap();
    assert_eq!(counts(), (1, 1, 4));

    // Made shorter, it is one still; so it is when it moves, because it grows and another begins behind it.
    assert_eq!(process.mremap(at, 4 * 4096, 2 * 4096, true), Ok(at));
    assert_eq!(counts(), (1, 1, 4));
    let behind = Map::shared(4096).at(UserAddr::new(at.get() + 2 * 4096));
    process.mmap(&file, behind).unwrap();
    assert_eq!(counts(), (2, 2, 5));
    assert_ne!(process.mremap(at, 2 * 4096, 3 * 4096, true).unwrap(), at);
    assert_eq!(counts(), (2, 2, 5));

    // Whoever exits has let go of all.
    process.exit().unwrap();
    assert_eq!(counts(), (0, 0, 0));
}
