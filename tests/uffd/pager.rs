//! A pager: an object that is far larger than memory, whose pages are made when they are touched, in any order.

use std::{
    fs::File,
    io::Write as _,
    os::unix::fs::FileExt as _,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Iomem as _, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset,
    PageRef as _, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{Map, Memory, Options, Page, Ref, Session, Uffd};

use crate::{
    drivers::{PAGE, page_at},
    sessions::{load, open, session},
};

/// An object whose pages are made by a number of their own, and of which no more than a bound are kept.
struct Object {
    cache: PageCache<Uffd>,
    bound: usize,
    most: AtomicUsize,
}

impl Object {
    fn fill(&self, at: PageOffset, page: &Page) -> Result<(), Errno> {
        page.write(0, &at.index().to_le_bytes()).map_err(|_| Errno::EIO)
    }

    /// As a shrinker does it: before there are too many.
    fn shrink(&self, may_sleep: MaySleep<'_>) {
        let in_use = self.cache.in_use().get();
        self.most.fetch_max(in_use, Ordering::Relaxed);
        if in_use >= self.bound {
            self.cache.shrink_to(PageCount::new(self.bound * 7 / 8), may_sleep, |_, _| Ok(())).unwrap();
        }
    }
}

impl VmOperations for Object {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(object.cache.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.shrink(ctx.may_sleep());
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.fill(at, page))
    }
}

struct ObjectFile(Ref<Object>);

impl MmapFile for ObjectFile {
    type Platform = Uffd;

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(self.0.cache.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// How many mappings of memory objects there are at these addresses.
fn kernel_mappings(at: UserAddr, bytes: usize) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let starts = maps.lines().filter_map(|line| usize::from_str_radix(line.split('-').next()?, 16).ok());
    starts.filter(|start| (at.get()..at.get() + bytes).contains(start)).count()
}

#[test]
fn an_object_of_64_gib_is_touched_at_random_with_a_bound_on_memory() {
    const PAGES: usize = (64 << 30) / PAGE;
    const BOUND: usize = (128 << 20) / PAGE;
    const TOUCHES: usize = 100_000;
    let session = open(Options::default(), PAGES);
    let memory = session.memory().in_a_row(PageCount::new(PAGES)).unwrap();
    let object = SharedObject::new(memory.may_sleep()).unwrap();
    let cache = PageCache::new(memory.clone(), &object, PageCount::new(PAGES), memory.may_sleep()).unwrap();
    let object = Ref::new(Object { cache, bound: BOUND, most: AtomicUsize::new(0) });
    let file = session.file(ObjectFile(object.clone()));
    let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..TOUCHES {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let page = usize::try_from(seed).unwrap() % PAGES;
        let mut bytes = [0; 8];
        session.read(page_at(at, page), &mut bytes).unwrap();
        assert_eq!(usize::from_le_bytes(bytes), page);
    }
    assert!(object.most.load(Ordering::Relaxed) <= BOUND);
    assert_eq!(kernel_mappings(at, PAGES * PAGE), 1);
    assert_eq!(session.take_errors(), []);
    assert_eq!(memory.pages_in_use(), object.cache.in_use());
    // What was given up went back to the system.
    object.cache.shrink_to(PageCount::ZERO, memory.may_sleep(), |_, _| Ok(())).unwrap();
    assert_eq!(memory.pages_in_use(), PageCount::ZERO);
}

/// A page of a row whose frame somebody still has is another page.
#[test]
fn a_page_that_is_still_in_use_is_not_made_again() {
    let session = session();
    let memory = session.memory().in_a_row(PageCount::new(8)).unwrap();
    let at = |page| memory.alloc_page_at(PageOffset::new(page)).unwrap();
    let (first, third) = (at(0), at(2));
    assert_eq!(third.pfn(), first.pfn() + 2);
    third.write(0, b"third").unwrap();
    let other = at(2);
    assert_ne!(other.pfn(), third.pfn());
    assert_eq!((other.references(), third.references()), (1, 1));
    // Behind the end, and of memory without a row.
    assert!(!(first.pfn()..first.pfn() + 8).contains(&at(8).pfn()));
    // Given back, it is there again, with zeros.
    let pfn = third.pfn();
    drop(third);
    let again = at(2);
    let mut bytes = [1; 5];
    again.read(0, &mut bytes).unwrap();
    assert_eq!((again.pfn(), bytes), (pfn, [0; 5]));
    // What is used outlives the row.
    again.write(0, b"again").unwrap();
    drop(memory);
    again.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"again");
    drop((first, other, again));
    assert_eq!(session.memory().pages_in_use(), PageCount::ZERO);
}

#[test]
fn memory_goes_back_to_the_system() {
    const PAGES: usize = 3000;
    let memory = Memory::new(PageCount::new(20_000)).unwrap();
    let object = sole_object(&memory);
    let pages = |count: usize| -> Vec<Page> { (0..count).map(|_| memory.alloc_page().unwrap()).collect() };
    let in_use = |most: usize| {
        let has = blocks(&object);
        assert!(has <= most, "the system has given {has} pages");
    };
    let held = pages(PAGES);
    assert!(blocks(&object) >= PAGES);
    drop(held);
    assert!(memory.trim().get() >= PAGES);
    in_use(1);
    assert_eq!(memory.trim(), PageCount::ZERO);
    // They are zeros when they come again.
    for page in pages(PAGES) {
        let mut bytes = [1; PAGE];
        page.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [0; PAGE]);
        page.write(0, &[7; PAGE]).unwrap();
    }
    // At once, where they are kept for an object.
    memory.trim();
    let row = memory.in_a_row(PageCount::new(PAGES)).unwrap();
    let held: Vec<Page> = (0..PAGES).map(|page| row.alloc_page_at(PageOffset::new(page)).unwrap()).collect();
    assert!(blocks(&object) >= PAGES);
    drop(held);
    in_use(1);
}

/// What is on its way to the system is free, too.
#[test]
fn nobody_goes_without_memory_because_another_thread_gives_it_back() {
    let memory = Memory::new(PageCount::new(1)).unwrap();
    drop(memory.alloc_page().unwrap());
    let done = AtomicBool::new(false);
    let failed = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                memory.trim();
            }
        });
        let failed = (0..50_000).filter(|_| memory.alloc_page().is_err()).count();
        done.store(true, Ordering::SeqCst);
        failed
    });
    assert_eq!((failed, memory.pages_in_use()), (0, PageCount::ZERO));
}

/// The descriptor of the memory that was made last, as others of this process have theirs.
fn sole_object(memory: &Memory) -> File {
    // The object of this memory is the one in which these bytes are.
    let page = memory.alloc_page().unwrap();
    let mark = format!("{:?} {}", thread::current().id(), page.pfn());
    page.write(0, mark.as_bytes()).unwrap();
    let is_it = |object: &File| {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; mark.len()];
        object.read_exact_at(&mut bytes, PAGE as u64).is_ok() && bytes == mark.as_bytes()
    };
    let objects = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|of| of.to_string_lossy().starts_with("/memfd:vmctx")));
    objects.filter_map(|fd| File::open(fd.path()).ok()).find(is_it).unwrap()
}

/// How many pages the system has given to an object.
fn blocks(object: &File) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    usize::try_from(object.metadata().unwrap().blocks()).unwrap() * 512 / PAGE
}

#[test]
fn what_a_user_has_stored_is_written_to_a_file_from_its_place() {
    let session = session();
    let path = std::env::temp_dir().join(format!("vmctx-write-{}", std::process::id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let page = session.memory().alloc_page().unwrap();
    let ring = crate::drivers::ring(&session, std::slice::from_ref(&page));
    let at = session.mmap(&ring, Map::shared(PAGE)).unwrap();
    let stored: Vec<u8> = (0..PAGE).map(|index| u8::try_from(index % 241).unwrap()).collect();
    session.write(at, &stored).unwrap();

    let mut found = vec![0; PAGE];
    assert_eq!(page.write_to(&file, 100, PAGE), Ok(()));
    file.read_exact_at(&mut found, 100).unwrap();
    assert_eq!(found, stored);
    // Of the page at a file's end only what is the file's is written, so that the file does not become longer.
    assert_eq!(page.write_to(&file, 3 * PAGE as u64, 7), Ok(()));
    assert_eq!(file.metadata().unwrap().len(), 3 * PAGE as u64 + 7);
    assert_eq!(page.write_to(&file, 0, 0), Ok(()));

    assert_eq!(page.write_to(&file, 0, PAGE + 1), Err(Errno::EINVAL));
    assert_eq!(page.write_to(&file, u64::MAX, PAGE), Err(Errno::EINVAL));
    let cannot_write = File::open("/dev/null").unwrap();
    assert_eq!(page.write_to(&cannot_write, 0, PAGE), Err(Errno::EBADF));
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(page.write_to(&full, 0, PAGE), Err(Errno::ENOSPC));
}

#[test]
fn a_file_is_read_into_a_page_in_place() {
    let session = session();
    let path = std::env::temp_dir().join(format!("vmctx-fill-{}", std::process::id()));
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let bytes: Vec<u8> = (0..PAGE + 100).map(|index| u8::try_from(index % 251).unwrap()).collect();
    file.write_all(&bytes).unwrap();
    let page = session.memory().alloc_page().unwrap();
    let mut found = [0; PAGE];
    assert_eq!(page.fill_from(&file, 100), Ok(PAGE));
    page.read(0, &mut found).unwrap();
    assert_eq!(found, bytes[100..]);
    // Where the file ends, the rest stays as it is.
    assert_eq!(page.fill_from(&file, PAGE as u64), Ok(100));
    page.read(0, &mut found).unwrap();
    assert_eq!((&found[..100], &found[100..]), (&bytes[PAGE..], &bytes[200..]));
    assert_eq!(page.fill_from(&file, 1 << 40), Ok(0));
    assert_eq!(page.fill_from(&file, u64::MAX), Err(Errno::EINVAL));
    let cannot_read = File::options().write(true).open("/dev/null").unwrap();
    assert_eq!(page.fill_from(&cannot_read, 0), Err(Errno::EBADF));
    let shown = page.clone();
    let ring = crate::drivers::ring(&session, &[shown]);
    let at = session.mmap(&ring, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(bytes[PAGE]));
}

/// Of a page, each part is copied as a whole, whatever its ends.
#[test]
fn every_part_of_a_page_is_copied() {
    let session: Session = session();
    let page = session.memory().alloc_page().unwrap();
    let pattern: Vec<u8> = (0..PAGE).map(|index| u8::try_from(index % 253).unwrap() + 1).collect();
    for (start, end) in [(0, PAGE), (0, 1), (1, 2), (7, 23), (PAGE - 1, PAGE), (5, PAGE), (9, 9), (PAGE, PAGE)] {
        page.write(0, &[0; PAGE]).unwrap();
        page.write(start, &pattern[start..end]).unwrap();
        let mut all = [9; PAGE];
        page.read(0, &mut all).unwrap();
        assert!(
            all.iter()
                .zip(&pattern)
                .enumerate()
                .all(|(at, (found, written))| { *found == if (start..end).contains(&at) { *written } else { 0 } })
        );
        let mut part = vec![9; end - start];
        page.read(start, &mut part).unwrap();
        assert_eq!(part, pattern[start..end]);
    }
    assert!(page.write(1, &pattern).is_err() && page.read(PAGE, &mut [0]).is_err());
    assert!(page.write(usize::MAX, &[0]).is_err());
}

/// A driver that has all of the memory by number can store to what nobody uses.
#[test]
fn a_fresh_page_has_zeros_whoever_has_stored_to_it_before() {
    let memory = Memory::new(PageCount::new(1 << 10)).unwrap();
    let first = memory.alloc_page().unwrap();
    let all = memory.physical_memory();
    let behind = usize::try_from(first.pfn()).unwrap() + 1;
    assert_eq!(all.write(behind * PAGE, &[9; PAGE]), Ok(()));
    let second = memory.alloc_page().unwrap();
    assert_eq!(second.pfn(), first.pfn() + 1);
    let mut bytes = [1; PAGE];
    second.read(0, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0));
}
