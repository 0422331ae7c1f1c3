//! A file in persistent memory, mapped without a page cache: `fs/dax.c`, `dax_iomap_pte_fault` and `dax_fault_iter`.
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

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, VmFault, VmOperations,
    WaitQueue,
};

/// A file, and the device that it has for itself.
pub struct Inode<P: Platform> {
    device: P::Iomem,
    /// By block: whether it is in use.
    taken: Vec<AtomicBool>,
    /// By page of the file: its block plus one, [`HOLE`] or [`CLAIMED`]. A page gets its block once and keeps it.
    map: Vec<AtomicUsize>,
    /// Woken when a claim has ended.
    settled: P::WaitQueue,
    /// How many entries mappings have been given and may still have.
    entries: AtomicUsize,
}

const HOLE: usize = 0;
/// Somebody is allocating a block for it.
const CLAIMED: usize = usize::MAX;

/// What is behind a page of the file.
enum Extent {
    Hole,
    Block(PageOffset),
    /// A hole that this caller has claimed and must [settle](Inode::settle).
    Ours,
    /// A hole that somebody else has claimed.
    Others,
}

impl Extent {
    fn new(entry: usize) -> Self {
        match entry {
            HOLE => Self::Hole,
            CLAIMED => Self::Others,
            block => Self::Block(PageOffset::new(block - 1)),
        }
    }
}

impl<P: Platform> Inode<P> {
    /// A file whose page `i` is the device's block `extents[i]`, or a hole. The blocks that no page has are free, and
    /// zeroed.
    ///
    /// # Errors
    /// EINVAL if a block is outside the device or occurs twice; ENOMEM.
    pub fn new(device: P::Iomem, extents: &[Option<PageOffset>]) -> Result<Self, Errno> {
        let mut taken = Vec::new();
        taken.try_reserve_exact(device.count().get()).map_err(|_| Errno::ENOMEM)?;
        taken.resize_with(device.count().get(), AtomicBool::default);
        let mut map = Vec::new();
        map.try_reserve_exact(extents.len()).map_err(|_| Errno::ENOMEM)?;
        for block in extents {
            let entry = match block {
                None => HOLE,
                Some(block) => {
                    let flag = taken.get(block.index()).ok_or(Errno::EINVAL)?;
                    if flag.swap(true, Ordering::Relaxed) {
                        return Err(Errno::EINVAL);
                    }
                    block.index() + 1
                }
            };
            map.push(AtomicUsize::new(entry));
        }
        Ok(Self { device, taken, map, settled: P::WaitQueue::new()?, entries: AtomicUsize::new(0) })
    }

    /// How many blocks of the device are in use.
    pub fn blocks(&self) -> usize {
        self.taken.iter().filter(|taken| taken.load(Ordering::Relaxed)).count()
    }

    /// How many entries of page tables show this file at most; none, and it may be truncated (C asks the page's
    /// reference count, `dax_layout_busy_page`).
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// Looks a page up.
    fn look_up(&self, at: PageOffset) -> Result<Extent, Errno> {
        Ok(Extent::new(self.entry(at)?.load(Ordering::Acquire)))
    }

    /// Looks a page up, and claims it if it is a hole.
    fn look_up_or_claim(&self, at: PageOffset) -> Result<Extent, Errno> {
        match self.entry(at)?.compare_exchange(HOLE, CLAIMED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Extent::Ours),
            Err(entry) => Ok(Extent::new(entry)),
        }
    }

    /// ENXIO behind the end of the file.
    fn entry(&self, at: PageOffset) -> Result<&AtomicUsize, Errno> {
        self.map.get(at.index()).ok_or(Errno::ENXIO)
    }

    /// Gives a claimed page its block, or leaves it a hole if there is none; wakes who waits for that.
    fn settle(&self, at: PageOffset) -> Result<PageOffset, Errno> {
        let free = self.taken.iter().position(|taken| !taken.swap(true, Ordering::AcqRel));
        self.entry(at)?.store(free.map_or(HOLE, |block| block + 1), Ordering::Release);
        self.settled.wake_all();
        free.map(PageOffset::new).ok_or(Errno::ENOSPC)
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

impl<P: Platform> MmapFile for Dax<P> {
    type Platform = P;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let view = View::<P> { inode: self.inode.clone(), entries: AtomicUsize::new(0) };
        Ok(ctx.establish(view)?.fill_later())
    }
}

/// A mapping of the file.
struct View<P: Platform> {
    inode: P::Ref<Inode<P>>,
    /// This mapping's part of the inode's count.
    entries: AtomicUsize,
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        // Before the look at the map, or a claim that ends in between is waited for in vain.
        let ticket = self.inode.settled.ticket();
        let extent = if ctx.is_shared() { self.inode.look_up_or_claim(at) } else { self.inode.look_up(at) };
        match extent {
            Ok(Extent::Block(block)) => self.insert(ctx, block),
            Ok(Extent::Ours) => match self.inode.settle(at) {
                Ok(block) => self.insert(ctx, block),
                Err(errno) => ctx.fail(errno),
            },
            Ok(Extent::Others) if ctx.is_shared() => match ctx.wait(ticket) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            },
            Ok(Extent::Hole | Extent::Others) => ctx.insert_zero_page(),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> View<P> {
    fn insert<'f>(&self, ctx: FaultCtx<'f, P, Mixed>, block: PageOffset) -> VmFault<'f> {
        let Some(frame) = self.inode.device.frame(block) else { return ctx.fail(Errno::EIO) };
        // Counted before it is there, so that a truncation that sees none can rely on it.
        self.inode.entries.fetch_add(1, Ordering::AcqRel);
        self.entries.fetch_add(1, Ordering::AcqRel);
        let answer = if ctx.is_write() { ctx.insert_mixed_mkwrite(frame) } else { ctx.insert_mixed(frame) };
        if answer.already_present() || answer.is_error() {
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

#[cfg(all(test, feature = "job"))]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
mod tests {
    use std::thread;

    use vmctx::{
        PageCount,
        sim::{Injection, Machine, Map, Sim},
    };

    use super::*;

    /// A file of one hole on a device of one block.
    fn one_hole(machine: &Machine) -> <Sim as Platform>::Ref<Inode<Sim>> {
        let device = machine.device_memory(PageCount::new(1)).unwrap();
        Sim::share(Inode::new(device, &[None]).unwrap()).unwrap()
    }

    #[test]
    fn who_meets_a_claimed_hole_waits_for_its_block() {
        let machine = Machine::new();
        let inode = one_hole(&machine);
        let file = machine.open(Dax::<Sim>::new(inode.clone()));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();

        assert!(matches!(inode.look_up_or_claim(PageOffset::ZERO), Ok(Extent::Ours)));
        let toucher = process.thread();
        let touch = thread::spawn(move || toucher.read_u8(at));
        while inode.settled.sleepers() == 0 {
            thread::yield_now();
        }
        let block = inode.settle(PageOffset::ZERO).unwrap();
        inode.device.write(block.index() * Sim::PAGE_SIZE, &[7]).unwrap();

        assert_eq!(touch.join().unwrap(), Ok(7));
        assert_eq!((inode.blocks(), inode.entries()), (1, 1), "one block, and the waiting was not counted as an entry");
    }

    #[test]
    fn who_waits_for_a_block_that_does_not_come_gets_a_signal() {
        let machine = Machine::new();
        let device = machine.device_memory(PageCount::new(1)).unwrap();
        let inode = Sim::share(Inode::new(device, &[None, None]).unwrap()).unwrap();
        let file = machine.open(Dax::<Sim>::new(inode.clone()));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(2 * Sim::PAGE_SIZE)).unwrap();

        assert!(matches!(inode.look_up_or_claim(PageOffset::ZERO), Ok(Extent::Ours)));
        let toucher = process.thread();
        let touch = thread::spawn(move || toucher.read_u8(at));
        while inode.settled.sleepers() == 0 {
            thread::yield_now();
        }
        assert!(inode.look_up_or_claim(PageOffset::new(1)).is_ok_and(|extent| matches!(extent, Extent::Ours)));
        inode.settle(PageOffset::new(1)).unwrap();
        assert_eq!(inode.settle(PageOffset::ZERO), Err(Errno::ENOSPC));

        assert!(touch.join().unwrap().is_err_and(|error| error.signal().is_some()));
        assert_eq!((inode.blocks(), inode.entries()), (1, 0));
    }

    #[test]
    fn an_entry_that_was_there_already_is_not_counted() {
        let machine = Machine::new();
        let inode = one_hole(&machine);
        let file = machine.open(Dax::<Sim>::new(inode.clone()));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();

        // To the driver it looks as if somebody else had been faster.
        machine.inject(Injection::Insertion { after: 0, errno: Errno::EBUSY });
        assert_eq!(process.thread().read_u8(at), Ok(0));
        assert_eq!((machine.statistics().handler_calls, inode.entries()), (2, 1));

        process.munmap(at, Sim::PAGE_SIZE).unwrap();
        assert_eq!((inode.blocks(), inode.entries()), (1, 0), "the block stays the file's");
    }

    #[test]
    fn a_block_belongs_to_one_page_and_to_the_device() {
        let machine = Machine::new();
        let device = || machine.device_memory(PageCount::new(1)).unwrap();
        let (first, second) = (Some(PageOffset::ZERO), Some(PageOffset::new(1)));
        assert!(Inode::<Sim>::new(device(), &[first, None]).is_ok());
        assert_eq!(Inode::<Sim>::new(device(), &[first, first]).err(), Some(Errno::EINVAL));
        assert_eq!(Inode::<Sim>::new(device(), &[second]).err(), Some(Errno::EINVAL));
    }
}
