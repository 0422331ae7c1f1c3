//! A process has as many descriptors, threads and mappings after its sessions as before. This test has a process of its
//! own, because what other tests have open would be counted as well.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{fs, os::unix::net::UnixStream, thread};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageMkwriteCtx, Platform, VmFault,
    VmOperations,
};
use vmctx_uffd::{Guest, Map, Memory, OpenError, Page, Session, Trap, Uffd};

const PAGE: usize = Uffd::PAGE_SIZE;

#[derive(Clone)]
struct Ring(Vec<Page>);

impl MmapFile for Ring {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Ring {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        match self.0.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// A file whose driver is told of first stores.
#[derive(Clone)]
struct Told(Ring);

impl MmapFile for Told {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Told {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.0.fault(ctx)
    }
}

impl Told {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let page = ctx.lock_page();
        ctx.allow_locked(page)
    }
}

fn memory() -> Memory {
    Memory::new(PageCount::new(64)).unwrap()
}

fn use_a_session() {
    let memory = memory();
    let session = Session::open(&memory).unwrap();
    let mut pages: Vec<Page> = (0..32).map(|_| memory.alloc_page().unwrap()).collect();
    // Two pages lie elsewhere in the memory file than the mapping shows them, so that it takes several host mappings.
    pages.swap(1, 5);
    let file = session.file(Ring(pages));
    let at = session.mmap(&file, Map::shared(40 * PAGE)).unwrap();
    let page_at = |page: usize| vmctx::UserAddr::new(at.get() + page * PAGE);
    for page in 0..32 {
        session.read(page_at(page), &mut [0]).unwrap();
    }
    assert_eq!(session.read(page_at(33), &mut [0]), Err(Trap::Sigbus(page_at(33))));
    session.munmap(page_at(3), 4 * PAGE).unwrap();
    let private = session.mmap(&file, Map::private(4 * PAGE)).unwrap();
    session.write(private, &[9]).unwrap();
}

/// The same for a guest and for the process that serves it. Here both are this process.
fn use_a_guest() {
    let memory = Memory::new(PageCount::new(64)).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let joining = thread::spawn(|| Guest::join(theirs));
    let session = Session::open_for(&memory, ours).unwrap();
    let guest = joining.join().unwrap().unwrap();
    let mut pages: Vec<Page> = (0..32).map(|_| memory.alloc_page().unwrap()).collect();
    pages.swap(1, 5);
    // Once without a driver that is told of stores, and once with one.
    let told = session.file(Told(Ring(pages.clone())));
    for file in [session.file(Ring(pages)), told] {
        let at = session.mmap(&file, Map::shared(40 * PAGE)).unwrap();
        let page_at = |page: usize| vmctx::UserAddr::new(at.get() + page * PAGE);
        for page in 0..32 {
            guest.write(page_at(page), &[1]).unwrap();
        }
        assert_eq!(guest.read(page_at(33), &mut [0]), Err(Trap::Sigbus(page_at(33))));
        session.munmap(page_at(3), 4 * PAGE).unwrap();
    }
}

fn entries(of: &str) -> usize {
    fs::read_dir(of).unwrap().count()
}

/// How many descriptors, threads and mappings of `uffd`'s this process has.
fn held() -> (usize, usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let ours = maps.lines().filter(|line| line.contains("memfd:vmctx") || line.contains("---p 00000000 00:00 0"));
    (entries("/proc/self/fd"), entries("/proc/self/task"), ours.count())
}

#[test]
fn nothing_is_left_behind() {
    if let Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) = Session::open(&memory()) {
        eprintln!("nothing of `uffd` is tested on this machine: {error}");
        return;
    }
    // A first round, after which the runtime has what it keeps for later threads.
    use_a_session();
    use_a_guest();
    let before = held();
    for _ in 0..20 {
        use_a_session();
        use_a_guest();
    }
    assert_eq!(held(), before);
}
