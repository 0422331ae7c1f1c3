//! What a process has before sessions and after them. Alone in its process: others would be counted as well.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, Platform, VmFault, VmOperations,
    uffd::{Map, Memory, OpenError, Page, Session, Trap, Uffd},
};

const PAGE: usize = Uffd::PAGE_SIZE;

#[derive(Clone)]
struct Ring(Vec<Page>);

impl MmapFile for Ring {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Ring {
    type Platform = Uffd;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        match self.0.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn memory() -> Memory {
    Memory::new(PageCount::new(64)).unwrap()
}

fn use_a_session() {
    let memory = memory();
    let session = Session::open(&memory).unwrap();
    let mut pages: Vec<Page> = (0..32).map(|_| memory.alloc_page().unwrap()).collect();
    // Not all of them lie where the mapping would have them.
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

fn entries(of: &str) -> usize {
    fs::read_dir(of).unwrap().count()
}

/// Descriptors, threads, mappings.
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
    // What the runtime keeps for the next thread is there then.
    use_a_session();
    let before = held();
    for _ in 0..20 {
        use_a_session();
    }
    assert_eq!(held(), before);
}
