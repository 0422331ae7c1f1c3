//! A file in persistent memory, mapped without a page cache: `fs/dax.c`, `dax_iomap_pte_fault`, `dax_iomap_pmd_fault`,
//! `dax_fault_iter`, `dax_insert_pfn_mkwrite` and `dax_writeback_mapping_range`.
//!
//! A file's pages are blocks of the device, or holes. In a private mapping a hole shows the zero page, of which a store
//! makes a copy; in a shared one a touch of it allocates a block.
//!
//! What C did by hand: each user of `vm_insert_mixed` turned its errno into a fault code, until 2018. The review of
//! that change asked whether all of them may take EBUSY for a success, when an entry is there already and the caller
//! has something to undo. They may; and who has something to undo can ask here, [`VmFault::already_present`]: this
//! driver counts what it has inserted. In C the question is still answered by a comment.
//!
//! Of two threads that meet at the same hole one allocates; the other waits for it and has its access repeated (in C: the
//! locked entry of the page cache tree). Here that is what [`OnDemand`] does.
//!
//! First stores are told to `pfn_mkwrite`, so that a sync knows which pages to write back. Where 2 MiB of the file lie
//! together on the device, aligned, one entry maps them all; where a load has missed, the neighbours that have their
//! blocks are mapped as well.

use alloc::vec::Vec;
use core::{
    ops::Range,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{
    Backing, Errno, FaultCtx, Frame, FrameRange, FrameSource, Hooks, HugeFaultCtx, Made, MapPagesCtx, MaySleep, Mixed,
    OnDemand, PageCount, PageOffset, PageRange, PfnMkwriteCtx, Platform, Prefault, PrepareCtx, PrepareFile, Prepared,
    RwLock, SharedObject, SpinLock, Spot, Table, VmFault, VmOperations,
};

/// A file, and the device that it has for itself.
pub struct Inode<P: Platform> {
    device: P::Iomem,
    /// By page of the file. A page keeps its block.
    blocks: OnDemand<P, Block<P>>,
    /// The blocks that no page has, the first of them last.
    free: P::SpinLock<Vec<PageOffset>>,
    /// By page of the file: whether it was stored to since the last sync.
    dirty: Vec<AtomicBool>,
    /// Held to read by who notes a store and makes it possible, so that a sync does not come in between.
    syncing: P::RwLock<()>,
    /// How many entries mappings have been given and may still have.
    entries: AtomicUsize,
}

/// A block of the device.
struct Block<P: Platform> {
    device: P::Iomem,
    at: PageOffset,
}

impl<P: Platform> Backing for Block<P> {
    type Platform = P;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.device.frame(self.at).map(Spot::Frame).ok_or(Errno::EIO)
    }
}

/// A value for each of these numbers.
fn filled<T>(numbers: Range<usize>, value: impl FnMut(usize) -> T) -> Result<Vec<T>, Errno> {
    let mut values = Vec::new();
    values.try_reserve_exact(numbers.len()).map_err(|_| Errno::ENOMEM)?;
    values.extend(numbers.map(value));
    Ok(values)
}

impl<P: Platform> Inode<P> {
    /// A file whose page `i` is the device's block `extents[i]`, or a hole. The blocks that no page has are free, and
    /// zeroed. It is mapped through these mappings.
    ///
    /// # Errors
    /// EINVAL if a block is outside the device or occurs twice; ENOMEM.
    pub fn new(
        device: P::Iomem,
        extents: &[Option<PageOffset>],
        mappings: SharedObject<P>,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let mut free = filled(0..device.count().get(), |block| Some(PageOffset::new(block)))?;
        let pages = PageCount::new(extents.len());
        let blocks = OnDemand::new(&mappings, pages, PageCount::new(1), may_sleep)?;
        for (page, extent) in extents.iter().enumerate() {
            let Some(at) = *extent else { continue };
            free.get_mut(at.index()).and_then(Option::take).ok_or(Errno::EINVAL)?;
            blocks.put(page, Block { device: device.clone(), at }, may_sleep)?;
        }
        let mut left = Vec::new();
        left.try_reserve_exact(free.len()).map_err(|_| Errno::ENOMEM)?;
        left.extend(free.into_iter().flatten().rev());
        Ok(Self {
            device,
            blocks,
            free: P::SpinLock::new(left, may_sleep)?,
            dirty: filled(0..extents.len(), |_| AtomicBool::default())?,
            syncing: P::RwLock::new((), may_sleep)?,
            entries: AtomicUsize::new(0),
        })
    }

    /// How many blocks of the device are in use.
    pub fn blocks(&self) -> usize {
        self.device.count().get() - self.free.lock().len()
    }

    /// How many entries of page tables show this file at most; none, and it may be truncated (C asks the page's
    /// reference count, `dax_layout_busy_page`).
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// How many pages were stored to since the last [sync](Self::sync).
    pub fn dirty(&self) -> usize {
        self.dirty.iter().filter(|dirty| dirty.load(Ordering::Acquire)).count()
    }

    /// Writes back what was stored, and has the next stores told again. How many pages that were.
    pub fn sync(&self, may_sleep: MaySleep<'_>) -> usize {
        let _nobody_else = self.syncing.write(may_sleep);
        let mut synced = 0;
        for (page, dirty) in self.dirty.iter().enumerate() {
            if dirty.swap(false, Ordering::AcqRel) {
                // Whoever notes a store holds the lock until its entry is in, so that entry is there by now and goes
                // here.
                self.blocks.object().unmap_once(PageOffset::new(page), PageCount::new(1), may_sleep);
                synced += 1;
            }
        }
        synced
    }

    fn note_store(&self, at: PageOffset) {
        if let Some(dirty) = self.dirty.get(at.index()) {
            dirty.store(true, Ordering::Release);
        }
    }

    /// The frame of a page that has its block.
    fn frame(&self, blocks: &Table<Made<Block<P>>>, at: PageOffset) -> Option<Frame<'_, P>> {
        self.device.frame(blocks.get(at.index())?.get()?.at)
    }

    /// The frames of `count` pages that lie together on the device.
    fn frames(&self, blocks: &Table<Made<Block<P>>>, first: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let block = |page: usize| Some(blocks.get(first.index().checked_add(page)?)?.get()?.at.index());
        let start = block(0)?;
        let together = (0..count.get()).zip(start..).all(|(page, on_device)| block(page) == Some(on_device));
        self.device.range(PageOffset::new(start), count).filter(|_| together)
    }

    /// A block for a hole. Without one the access cannot be served, now or later: ENOSPC would have it repeated.
    fn allocate(&self) -> Result<Block<P>, Errno> {
        let at = self.free.lock().pop().ok_or(Errno::EIO)?;
        Ok(Block { device: self.device.clone(), at })
    }
}

/// An open file.
pub struct Dax<P: Platform> {
    inode: P::Ref<Inode<P>>,
}

impl<P: Platform> Dax<P> {
    /// Opens the file.
    pub fn new(inode: P::Ref<Inode<P>>) -> Self {
        Self { inode }
    }
}

impl<P: Platform> PrepareFile for Dax<P> {
    type Platform = P;
    type Ops = View<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        P::share(View::<P> { inode: self.inode.clone(), entries: AtomicUsize::new(0) }, may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.inode.blocks.object())
    }
}

/// A mapping of the file.
pub struct View<P: Platform> {
    inode: P::Ref<Inode<P>>,
    /// This mapping's part of the inode's count.
    entries: AtomicUsize,
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .pfn_mkwrite(Self::pfn_mkwrite)
        .huge_fault(Self::huge_fault)
        .map_pages(Self::map_pages)
        .object(|view: &Self| Some(view.inode.blocks.object()));

    /// A store is told next, in the same fault.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let blocks = self.inode.blocks.resident(ctx.may_sleep());
        let is_hole = blocks.get(ctx.pgoff().index()).is_some_and(|block| block.get().is_none());
        drop(blocks);
        if is_hole && !ctx.is_shared() {
            return ctx.insert_zero_page();
        }
        let mut is_counted = false;
        let count = |_: &_, _: &_| {
            self.count();
            is_counted = true;
        };
        let answer = self.inode.blocks.serve_told(ctx, |_, _| self.inode.allocate(), count);
        self.counted(is_counted, answer)
    }
}

impl<P: Platform> View<P> {
    /// A store to a page that was only read.
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let blocks = self.inode.blocks.resident(ctx.may_sleep());
        let Some(frame) = self.inode.frame(&blocks, ctx.pgoff()) else { return ctx.fail(Errno::EIO) };
        drop(blocks);
        let _until_it_is_in = self.inode.syncing.read(ctx.may_sleep());
        self.inode.note_store(ctx.pgoff());
        ctx.insert_mixed_mkwrite(frame)
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let mut is_counted = false;
        let answer = ctx.insert_huge_with(|ctx, entry| {
            let blocks = self.inode.blocks.resident(ctx.may_sleep());
            let shown = entry.range();
            let frames = self.inode.frames(&blocks, shown.start, shown.page_count())?;
            let frames = entry.in_extent(shown.start, frames)?;
            self.count();
            is_counted = true;
            Some(frames)
        });
        self.counted(is_counted, answer)
    }

    /// Pages that have their blocks. Holes are for the fault, which may wait for a block.
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(blocks) = self.inode.blocks.try_resident() else { return ctx.finish() };
        for at in ctx.wanted() {
            let Some(frame) = self.inode.frame(&blocks, at) else { continue };
            self.count();
            let became = ctx.prefault_mixed(at, frame);
            if became != Prefault::Inserted {
                self.forget(1);
            }
            if became == Prefault::OutOfMemory {
                break;
            }
        }
        ctx.finish()
    }

    /// Counts an entry before it is there, so that a truncation that sees none can rely on it.
    fn count(&self) {
        self.inode.entries.fetch_add(1, Ordering::AcqRel);
        self.entries.fetch_add(1, Ordering::AcqRel);
    }

    /// What was counted, and came to nothing, does not count.
    fn counted<'f>(&self, is_counted: bool, answer: VmFault<'f>) -> VmFault<'f> {
        if is_counted && (answer.already_present() || answer.is_error()) {
            self.forget(1);
        }
        answer
    }

    fn forget(&self, entries: usize) {
        self.entries.fetch_sub(entries, Ordering::AcqRel);
        self.inode.entries.fetch_sub(entries, Ordering::AcqRel);
    }
}

impl<P: Platform> Drop for View<P> {
    /// The last VMA is gone, and its entries with it.
    fn drop(&mut self) {
        self.forget(self.entries.load(Ordering::Acquire));
    }
}

#[cfg(test)]
mod tests {
    use vmctx::ByPrepare;
    use vmctx_sim::{Injection, Machine, Map, Sim};

    use super::*;

    /// A file on a device of so many blocks.
    fn inode(
        machine: &Machine,
        blocks: usize,
        extents: &[Option<PageOffset>],
    ) -> Result<<Sim as Platform>::Ref<Inode<Sim>>, Errno> {
        let device = machine.device_memory(PageCount::new(blocks)).unwrap();
        let mappings = SharedObject::new(machine.may_sleep()).unwrap();
        Sim::share(Inode::new(device, extents, mappings, machine.may_sleep())?, machine.may_sleep())
    }

    /// A file of one hole on a device of one block.
    fn one_hole(machine: &Machine) -> <Sim as Platform>::Ref<Inode<Sim>> {
        inode(machine, 1, &[None]).unwrap()
    }

    #[test]
    fn an_entry_that_was_there_already_is_not_counted() {
        let machine = Machine::new();
        let inode = one_hole(&machine);
        let file = machine.open(ByPrepare(Dax::<Sim>::new(inode.clone())));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();

        // The driver sees what it would see if another thread had inserted the page first.
        machine.inject(Injection::Insertion { after: 0, errno: Errno::EBUSY });
        assert_eq!(process.thread().write_u8(at, 1), Ok(()));
        assert_eq!((machine.statistics().handler_calls, inode.entries()), (2, 1));

        process.munmap(at, Sim::PAGE_SIZE).unwrap();
        assert_eq!((inode.blocks(), inode.entries()), (1, 0), "the block stays the file's");
    }

    #[test]
    fn a_block_belongs_to_one_page_and_to_the_device() {
        let machine = Machine::new();
        let (first, second) = (Some(PageOffset::ZERO), Some(PageOffset::new(1)));
        assert!(inode(&machine, 1, &[first, None]).is_ok());
        assert_eq!(inode(&machine, 1, &[first, first]).err(), Some(Errno::EINVAL));
        assert_eq!(inode(&machine, 1, &[second]).err(), Some(Errno::EINVAL));
    }

    #[test]
    fn a_huge_entry_needs_blocks_that_lie_together_and_aligned() {
        let straight: Vec<_> = (0..512).map(|block| Some(PageOffset::new(block))).collect();
        let mut swapped = straight.clone();
        swapped.swap(17, 18);
        let mut hole = straight.clone();
        hole[17] = None;
        let behind: Vec<_> = (1..513).map(|block| Some(PageOffset::new(block))).collect();
        for (extents, blocks, huge) in [(straight, 512, 1), (swapped, 512, 0), (hole, 512, 0), (behind, 1024, 0)] {
            let machine = Machine::new();
            let inode = inode(&machine, blocks, &extents).unwrap();
            let (file, process) = (machine.open(ByPrepare(Dax::<Sim>::new(inode.clone()))), machine.process());
            let at = process.mmap(&file, Map::shared(512 * Sim::PAGE_SIZE)).unwrap();
            assert_eq!(process.thread().read_u8(at), Ok(0));
            assert_eq!(machine.statistics().huge_insertions, huge);
            // The driver is told of each page that is stored to, so a store splits off a small entry.
            assert_eq!(process.thread().write_u8(at, 1), Ok(()));
            assert_eq!(inode.dirty(), 1);
        }
    }
}
