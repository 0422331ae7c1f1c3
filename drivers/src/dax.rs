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
//! Of two threads that meet at the same hole one claims it and allocates; the other waits for it and has its access
//! repeated (in C: the locked entry of the page cache tree).
//!
//! First stores are told to `pfn_mkwrite`, so that a sync knows which pages to write back. Where 2 MiB of the file lie
//! together on the device, aligned, one entry maps them all; where a load has missed, the neighbours that have their
//! blocks are mapped as well.

use alloc::vec::Vec;
use core::{
    mem,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{
    Errno, FaultCtx, Frame, FrameRange, FrameSource, Hooks, HugeFaultCtx, MapPagesCtx, MaySleep, Mixed, PageCount,
    PageOffset, PageRange, PfnMkwriteCtx, Platform, Prefault, PrepareCtx, PrepareFile, Prepared, RwLock, SharedObject,
    SpinLock, VmFault, VmOperations, WaitQueue,
};

/// A file, and the device that it has for itself.
pub struct Inode<P: Platform> {
    device: P::Iomem,
    /// Which page has which block. In C it is a tree with a spin lock of its own (`xa_lock`); here as there
    /// `map_pages` looks things up in it.
    blocks: P::SpinLock<Blocks>,
    /// Woken when a claim has ended.
    settled: P::WaitQueue,
    /// By page of the file: whether it was stored to since the last sync.
    dirty: Vec<AtomicBool>,
    /// Held to read by who notes a store and makes it possible, so that a sync does not come in between.
    syncing: P::RwLock<()>,
    mappings: SharedObject<P>,
    /// How many entries mappings have been given and may still have.
    entries: AtomicUsize,
}

/// What is behind a page of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Hole,
    /// A hole that somebody is allocating a block for.
    Claimed,
    /// A block. The page keeps it.
    Block(PageOffset),
}

struct Blocks {
    /// By page of the file.
    extents: Vec<Extent>,
    /// By block: whether it is in use.
    taken: Vec<bool>,
}

impl Blocks {
    /// ENXIO behind the end of the file.
    fn extent(&mut self, at: PageOffset) -> Result<&mut Extent, Errno> {
        self.extents.get_mut(at.index()).ok_or(Errno::ENXIO)
    }
}

/// So many times this value.
fn filled<T>(count: usize, value: impl FnMut() -> T) -> Result<Vec<T>, Errno> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    values.resize_with(count, value);
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
        let mut blocks =
            Blocks { extents: filled(extents.len(), || Extent::Hole)?, taken: filled(device.count().get(), || false)? };
        for (extent, block) in blocks.extents.iter_mut().zip(extents) {
            let Some(block) = *block else { continue };
            let taken = blocks.taken.get_mut(block.index()).ok_or(Errno::EINVAL)?;
            if mem::replace(taken, true) {
                return Err(Errno::EINVAL);
            }
            *extent = Extent::Block(block);
        }
        Ok(Self {
            device,
            blocks: P::SpinLock::new(blocks, may_sleep)?,
            settled: P::WaitQueue::new(may_sleep)?,
            dirty: filled(extents.len(), AtomicBool::default)?,
            syncing: P::RwLock::new((), may_sleep)?,
            mappings,
            entries: AtomicUsize::new(0),
        })
    }

    /// How many blocks of the device are in use.
    pub fn blocks(&self) -> usize {
        self.blocks.lock().taken.iter().filter(|taken| **taken).count()
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
                self.mappings.unmap_once(PageOffset::new(page), PageCount::new(1), may_sleep);
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

    /// The frame of a page that has its block. Sleeps for nothing.
    fn frame(&self, at: PageOffset) -> Option<Frame<'_, P>> {
        match self.look_up(at) {
            Ok(Extent::Block(block)) => self.device.frame(block),
            _ => None,
        }
    }

    /// The frames of `count` pages that lie together on the device.
    fn frames(&self, first: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let blocks = self.blocks.lock();
        let extents = blocks.extents.get(first.index()..first.index().checked_add(count.get())?)?;
        let Extent::Block(block) = *extents.first()? else { return None };
        let mut on_device = (block.index()..).map(|block| Extent::Block(PageOffset::new(block)));
        let together = extents.iter().all(|extent| on_device.next() == Some(*extent));
        self.device.range(block, count).filter(|_| together)
    }

    /// Looks a page up.
    fn look_up(&self, at: PageOffset) -> Result<Extent, Errno> {
        self.blocks.lock().extent(at).copied()
    }

    /// Looks a page up, or claims it if it is a hole: then it is `None`, and the caller [settles](Self::settle) it.
    fn look_up_or_claim(&self, at: PageOffset) -> Result<Option<Extent>, Errno> {
        let mut blocks = self.blocks.lock();
        let extent = blocks.extent(at)?;
        if *extent != Extent::Hole {
            return Ok(Some(*extent));
        }
        *extent = Extent::Claimed;
        Ok(None)
    }

    /// Gives a claimed page its block, or leaves it a hole if there is none; wakes who waits for that.
    fn settle(&self, at: PageOffset) -> Result<PageOffset, Errno> {
        let mut blocks = self.blocks.lock();
        let free = blocks.taken.iter().position(|taken| !taken).map(PageOffset::new);
        *blocks.extent(at)? = free.map_or(Extent::Hole, Extent::Block);
        if let Some(taken) = free.and_then(|block| blocks.taken.get_mut(block.index())) {
            *taken = true;
        }
        drop(blocks);
        self.settled.wake_all();
        free.ok_or(Errno::ENOSPC)
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
        Some(&self.inode.mappings)
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
    const HOOKS: Hooks<Self> =
        Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite).huge_fault(Self::huge_fault).map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        // Taken before the look at the map: a claim that ends between the two would otherwise be waited for in vain.
        let ticket = self.inode.settled.ticket();
        let extent = if ctx.is_shared() { self.inode.look_up_or_claim(at) } else { self.inode.look_up(at).map(Some) };
        match extent {
            Ok(Some(Extent::Block(block))) => self.insert(ctx, block),
            Ok(None) => match self.inode.settle(at) {
                Ok(block) => self.insert(ctx, block),
                Err(errno) => ctx.fail(errno),
            },
            Ok(Some(Extent::Claimed)) if ctx.is_shared() => match ctx.wait(ticket) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            },
            Ok(Some(Extent::Hole | Extent::Claimed)) => ctx.insert_zero_page(),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> View<P> {
    fn insert<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>, block: PageOffset) -> VmFault<'f> {
        let Some(frame) = self.inode.device.frame(block) else { return ctx.fail(Errno::EIO) };
        self.count();
        let answer = if ctx.is_write() && ctx.is_shared() {
            let _until_it_is_in = self.inode.syncing.read(ctx.may_sleep());
            self.inode.note_store(ctx.pgoff());
            ctx.insert_mixed_mkwrite(frame)
        } else {
            ctx.insert_mixed(frame)
        };
        if answer.already_present() || answer.is_error() {
            self.forget(1);
        }
        answer
    }

    /// A store to a page that was only read.
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(frame) = self.inode.frame(ctx.pgoff()) else { return ctx.fail(Errno::EIO) };
        let _until_it_is_in = self.inode.syncing.read(ctx.may_sleep());
        self.inode.note_store(ctx.pgoff());
        ctx.insert_mixed_mkwrite(frame)
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let mut is_counted = false;
        let answer = ctx.insert_huge_with(|_, entry| {
            let shown = entry.range();
            let frames = entry.in_extent(shown.start, self.inode.frames(shown.start, shown.page_count())?)?;
            self.count();
            is_counted = true;
            Some(frames)
        });
        if is_counted && (answer.already_present() || answer.is_error()) {
            self.forget(1);
        }
        answer
    }

    /// Pages that have their blocks. Holes are for the fault, which may wait for a block.
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        let wanted = ctx.wanted();
        for at in (wanted.start.index()..wanted.end.index()).map(PageOffset::new) {
            let Some(frame) = self.inode.frame(at) else { continue };
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
    use std::thread;

    use vmctx::{ByPrepare, Iomem, PageCount};
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
    fn who_meets_a_claimed_hole_waits_for_its_block() {
        let machine = Machine::new();
        let inode = one_hole(&machine);
        let file = machine.open(ByPrepare(Dax::<Sim>::new(inode.clone())));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();

        assert!(matches!(inode.look_up_or_claim(PageOffset::ZERO), Ok(None)));
        let toucher = process.thread();
        let touch = thread::spawn(move || toucher.read_u8(at));
        while inode.settled.sleepers() == 0 {
            thread::yield_now();
        }
        // The device has one block. Its content has to be there before anybody is woken.
        inode.device.write(0, &[7]).unwrap();
        inode.settle(PageOffset::ZERO).unwrap();

        assert_eq!(touch.join().unwrap(), Ok(7));
        assert_eq!((inode.blocks(), inode.entries()), (1, 1), "one block, and the waiting was not counted as an entry");
    }

    #[test]
    fn who_waits_for_a_block_that_does_not_come_gets_a_signal() {
        let machine = Machine::new();
        let inode = inode(&machine, 1, &[None, None]).unwrap();
        let file = machine.open(ByPrepare(Dax::<Sim>::new(inode.clone())));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(2 * Sim::PAGE_SIZE)).unwrap();

        assert!(matches!(inode.look_up_or_claim(PageOffset::ZERO), Ok(None)));
        let toucher = process.thread();
        let touch = thread::spawn(move || toucher.read_u8(at));
        while inode.settled.sleepers() == 0 {
            thread::yield_now();
        }
        assert!(matches!(inode.look_up_or_claim(PageOffset::new(1)), Ok(None)));
        inode.settle(PageOffset::new(1)).unwrap();
        assert_eq!(inode.settle(PageOffset::ZERO), Err(Errno::ENOSPC));

        assert!(touch.join().unwrap().is_err_and(|error| error.signal().is_some()));
        assert_eq!((inode.blocks(), inode.entries()), (1, 0));
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
