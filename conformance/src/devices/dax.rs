//! A file on a device with too few blocks for its holes; and, where there is that much memory, one of huge pages,
//! behind it.

use alloc::vec::Vec;

use vmctx::{
    Errno, HugeSize, Iomem, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile,
    Prepared, SharedObject, UnlockedCtx,
};

use super::host::{Host, Opened, Own, Side, fill, fill_pages};
use vmctx_drivers::dax::{Dax, Inode, View};

/// Blocks of the device.
pub const BLOCKS: usize = 8;

/// Which block each page of the file has. The others are free, and zeroed.
pub const EXTENTS: [Option<PageOffset>; 10] = [
    Some(PageOffset::new(5)),
    None,
    Some(PageOffset::new(2)),
    None,
    Some(PageOffset::new(0)),
    None,
    None,
    Some(PageOffset::new(7)),
    None,
    None,
];

/// Asks for the number of blocks in use.
pub const BLOCKS_IN_USE: u32 = 1;
/// Asks for the number of entries that the file counts.
pub const ENTRIES: u32 = 2;
/// Asks how many pages were stored to since the last sync.
pub const DIRTY: u32 = 3;
/// Syncs; how many pages were written back.
pub const SYNC: u32 = 4;
/// Asks how many pages the huge file has; ENOTTY if there is none. It is mapped at that offset: it begins with as many
/// holes, which stay.
pub const HUGE_PAGES: u32 = 5;
/// Asks how many pages of the huge file were stored to.
pub const HUGE_DIRTY: u32 = 6;

/// Which pages of the huge file, counted from the end of its holes, are filled. In the pattern they lie behind the
/// small file's blocks.
pub const HUGE_FILLED: [usize; 4] = [0, 1, 255, 511];

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let memory = host.device_memory(PageCount::new(BLOCKS))?;
    fill_pages::<H::Platform>(&memory, EXTENTS.iter().flatten().map(|block| block.index()))?;
    let mappings = SharedObject::new(host.may_sleep())?;
    let inode = Inode::<H::Platform>::new(memory.clone(), &EXTENTS, mappings.clone(), host.may_sleep())?;
    let inode = H::Platform::share(inode, host.may_sleep())?;

    let pages = HugeSize::Pmd.page_count(H::Platform::PAGE_SHIFT);
    let huge = match host.device_memory(pages) {
        Ok(memory) => Some((huge(host, memory, pages, mappings)?, pages)),
        Err(_) => None,
    };
    let files = Files { small: Dax::new(inode.clone()), huge: huge.clone().map(|(inode, at)| (Dax::new(inode), at)) };
    Ok(Opened::prepared(files, Disk::<H::Platform> { memory: Own(memory), inode, huge }))
}

/// The inode of the huge file.
type Huge<P> = <P as Platform>::Ref<Inode<P>>;

fn huge<H: Host>(
    host: &H,
    memory: <H::Platform as Platform>::Iomem,
    pages: PageCount,
    mappings: SharedObject<H::Platform>,
) -> Result<Huge<H::Platform>, Errno> {
    let size = H::Platform::PAGE_SIZE;
    for page in HUGE_FILLED {
        let write = |at, bytes: &[u8]| memory.write(page * size + at, bytes).map_err(|_| Errno::EINVAL);
        fill((BLOCKS + page) * size, size, write)?;
    }
    let mut extents = Vec::new();
    extents.try_reserve_exact(2 * pages.get()).map_err(|_| Errno::ENOMEM)?;
    extents.resize(pages.get(), None);
    extents.extend((0..pages.get()).map(|block| Some(PageOffset::new(block))));
    H::Platform::share(Inode::new(memory, &extents, mappings, host.may_sleep())?, host.may_sleep())
}

/// Both files in one, by the offset.
struct Files<P: Platform> {
    small: Dax<P>,
    huge: Option<(Dax<P>, PageCount)>,
}

impl<P: Platform> Files<P> {
    fn at(&self, pgoff: PageOffset) -> &Dax<P> {
        match &self.huge {
            Some((huge, at)) if pgoff.index() >= at.get() => huge,
            _ => &self.small,
        }
    }
}

impl<P: Platform> PrepareFile for Files<P> {
    type Platform = P;
    type Ops = View<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.at(ctx.pgoff()).mmap_prepare(ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        self.at(shown.start).mapped(shown, may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        self.small.object()
    }
}

struct Disk<P: Platform> {
    memory: Own<P>,
    inode: P::Ref<Inode<P>>,
    huge: Option<(Huge<P>, PageCount)>,
}

impl<P: Platform> Side<P> for Disk<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.memory.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.memory.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, _: u64) -> Result<u64, Errno> {
        let huge = self.huge.as_ref().ok_or(Errno::ENOTTY);
        match request {
            BLOCKS_IN_USE => Ok(self.inode.blocks() as u64),
            ENTRIES => Ok(self.inode.entries() as u64),
            DIRTY => Ok(self.inode.dirty() as u64),
            SYNC => Ok(self.inode.sync(ctx.may_sleep()) as u64),
            HUGE_PAGES => huge.map(|(_, pages)| pages.get() as u64),
            HUGE_DIRTY => huge.map(|(inode, _)| inode.dirty() as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}
