//! Drivers of a few lines, and what the tests have in common.

use std::{
    io::{self, Write},
    marker::PhantomData,
    process,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Handle, Hooks, Mapped, Mapping, Mappings, Mixed, MmapCtx, MmapFile, Page as _, PageCount,
    PageMkwriteCtx, UserAddr, VmFault, VmOperations, kind::FilledLater,
};
use vmctx_uffd::{Answers, File, Memory, OpenError, Options, Page, Session, Uffd};

pub(crate) const PAGE: usize = 4096;

/// A session with memory of its own.
pub(crate) fn session() -> Session {
    open(Options::default(), 1 << 14)
}

/// A session with so many pages.
///
/// Where nobody can have one, that is said, and nothing is tested: it is not the crate that is wrong.
pub(crate) fn open(options: Options, pages: usize) -> Session {
    match options.open(&memory(pages)) {
        Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) => {
            // Around the harness, which would keep it to itself.
            let _ = writeln!(io::stderr(), "nothing of `uffd` is tested on this machine: {error}");
            process::exit(0);
        }
        opened => opened.unwrap(),
    }
}

/// Pages, the first full of ones, the second of twos, and so on.
pub(crate) fn pages(session: &Session, count: usize) -> Vec<Page> {
    (0..count)
        .map(|index| {
            let page = session.memory().alloc_page().unwrap();
            page.write(0, &[number(index); PAGE]).unwrap();
            page
        })
        .collect()
}

/// What page `index` of [`pages`] is full of.
pub(crate) fn number(index: usize) -> u8 {
    u8::try_from(index % 251).unwrap() + 1
}

pub(crate) fn page_at(at: UserAddr, page: usize) -> UserAddr {
    UserAddr::new(at.get() + page * PAGE)
}

pub(crate) fn first_byte(page: &Page) -> u8 {
    let mut byte = [0];
    page.read(0, &mut byte).unwrap();
    byte[0]
}

pub(crate) fn load(session: &Session, at: UserAddr) -> Result<u8, vmctx_uffd::Trap> {
    let mut byte = [0];
    session.read(at, &mut byte).map(|()| byte[0])
}

/// A driver that is one closure: its fault hook.
pub(crate) struct OnFault<K, F>(Arc<F>, PhantomData<fn(K) -> K>);

impl<K, F> VmOperations for OnFault<K, F>
where
    K: Mapping,
    F: for<'f> Fn(FaultCtx<'f, Uffd, K>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = Uffd;
    type Mapping = K;
    const HOOKS: Hooks<Self> = Hooks::NONE;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Uffd, K>) -> VmFault<'f> {
        (self.0)(ctx)
    }
}

struct FaultFile<K, F> {
    fault: Arc<F>,
    mappings: Option<Arc<Mappings<Uffd>>>,
    kind: PhantomData<fn(K) -> K>,
}

impl<K, F> MmapFile for FaultFile<K, F>
where
    K: Mapping + FilledLater,
    F: for<'f> Fn(FaultCtx<'f, Uffd, K>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(OnFault(Arc::clone(&self.fault), PhantomData))?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<Uffd>> {
        self.mappings.as_deref()
    }
}

/// A file whose fault hook is this.
pub(crate) fn faulting<K, F>(session: &Session, fault: F) -> File
where
    K: Mapping + FilledLater,
    F: for<'f> Fn(FaultCtx<'f, Uffd, K>) -> VmFault<'f> + Send + Sync + 'static,
{
    session.file(FaultFile::<K, F> { fault: Arc::new(fault), mappings: None, kind: PhantomData })
}

/// The same, with mappings to revoke.
pub(crate) fn revocable<K, F>(session: &Session, mappings: &Arc<Mappings<Uffd>>, fault: F) -> File
where
    K: Mapping + FilledLater,
    F: for<'f> Fn(FaultCtx<'f, Uffd, K>) -> VmFault<'f> + Send + Sync + 'static,
{
    let mappings = Some(Arc::clone(mappings));
    session.file(FaultFile::<K, F> { fault: Arc::new(fault), mappings, kind: PhantomData })
}

/// So many threads, which begin together.
pub(crate) fn all_at_once(threads: usize, each: impl Fn(usize) + Sync) {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (start, each) = (&start, &each);
            scope.spawn(move || {
                start.wait();
                each(thread);
            });
        }
    });
}

/// A file with these pages, inserted as they are touched.
pub(crate) fn ring(session: &Session, pages: &[Page]) -> File {
    let pages = pages.to_vec();
    faulting::<Mixed, _>(session, move |ctx| match pages.get(ctx.pgoff().index()) {
        Some(page) => ctx.insert_page(page),
        None => ctx.fail(Errno::ENXIO),
    })
}

/// Memory of so many pages.
pub(crate) fn memory(pages: usize) -> Memory {
    Memory::new(PageCount::new(pages)).unwrap()
}

/// Says that it was dropped.
pub(crate) struct OnDrop(Arc<AtomicBool>);

impl OnDrop {
    pub(crate) fn new(dropped: &Arc<AtomicBool>) -> Self {
        Self(Arc::clone(dropped))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What hooks have answered: counted before whoever waited goes on.
pub(crate) fn answers(session: &Session) -> Answers {
    session.statistics().answers
}

/// Pages whose first stores are noted.
pub(crate) struct Tracked {
    pages: Vec<Page>,
    stores: Vec<AtomicUsize>,
    refuses: bool,
}

impl Tracked {
    fn page_mkwrite<'f>(&self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        if self.refuses {
            return ctx.fail(Errno::ENOSPC);
        }
        let page = ctx.lock_page();
        self.stores[ctx.pgoff().index()].fetch_add(1, Ordering::Relaxed);
        ctx.allow_locked(page)
    }

    pub(crate) fn stores(&self) -> Vec<usize> {
        self.stores.iter().map(|stores| stores.load(Ordering::Relaxed)).collect()
    }
}

impl VmOperations for Tracked {
    type Platform = Uffd;
    type Mapping = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        match self.pages.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

struct Opened {
    state: Arc<Tracked>,
    handle: OneHandle,
}

impl MmapFile for Opened {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.establish_shared(Arc::clone(&self.state))?;
        *self.handle.lock().unwrap() = Some(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}

pub(crate) type OneHandle = Arc<Mutex<Option<Handle<Uffd, Mixed>>>>;

/// A file whose first stores are noted, or refused.
pub(crate) fn tracked(session: &Session, pages: &[Page], refuses: bool) -> (File, Arc<Tracked>, OneHandle) {
    let stores = pages.iter().map(|_| AtomicUsize::new(0)).collect();
    let state = Arc::new(Tracked { pages: pages.to_vec(), stores, refuses });
    let handle = OneHandle::default();
    let file = session.file(Opened { state: Arc::clone(&state), handle: Arc::clone(&handle) });
    (file, state, handle)
}
