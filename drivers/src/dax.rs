//! A file in persistent memory, mapped without a page cache: `fs/dax.c`, `dax_iomap_pte_fault` and `dax_fault_iter`.
//!
//! A file's pages are blocks of the device, or holes. In a private mapping a hole shows the zero page, of which a store
//! makes a copy; in a shared one a touch of it allocates a block.
//!
//! What C did by hand: each user of `vm_insert_mixed` turned its errno into a fault code, until 2018. The review of that
//! change asked whether all of them may take EBUSY for a success, when an entry is there already and the caller has
//! something to undo. They may; and who has something to undo can ask here, [`VmFault::already_present`]: this
//! driver counts what it has inserted. In C the question is still answered by a comment.
//!
//! Two threads that meet at the same hole both allocate a block. One of them finds the other's in the file's map, gives
//! its own back, and inserts the other's.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, VmFault,
    VmOperations,
};

/// A file, and the device that it has for itself.
pub struct Inode<P: Platform> {
    device: P::Iomem,
    /// By block: whether it is in use.
    taken: Vec<AtomicBool>,
    /// By page of the file: its block plus one, or zero for a hole. A page gets its block once and keeps it.
    map: Vec<AtomicUsize>,
    /// How many entries mappings have been given and may still have.
    entries: AtomicUsize,
}

const HOLE: usize = 0;

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
        Ok(Self { device, taken, map, entries: AtomicUsize::new(0) })
    }

    /// How many blocks of the device are in use.
    pub fn blocks(&self) -> PageCount {
        PageCount::new(self.taken.iter().filter(|taken| taken.load(Ordering::Relaxed)).count())
    }

    /// How many entries of page tables show this file at most; none, and it may be truncated (C asks the page's
    /// reference count, `dax_layout_busy_page`).
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// The block of a page, or `None` for a hole. ENXIO behind the end of the file.
    fn block(&self, at: PageOffset) -> Result<Option<PageOffset>, Errno> {
        let entry = self.map.get(at.index()).ok_or(Errno::ENXIO)?;
        Ok(entry.load(Ordering::Acquire).checked_sub(1).map(PageOffset::new))
    }

    /// The block of a page, which gets one if it is a hole.
    fn block_or_allocate(&self, at: PageOffset) -> Result<PageOffset, Errno> {
        if let Some(block) = self.block(at)? {
            return Ok(block);
        }
        let fresh = self.allocate()?;
        let entry = self.map.get(at.index()).ok_or(Errno::ENXIO)?;
        match entry.compare_exchange(HOLE, fresh.index() + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(fresh),
            Err(others) => {
                // Nobody has seen it: it is as zeroed as it was.
                self.free(fresh);
                Ok(PageOffset::new(others - 1))
            }
        }
    }

    fn allocate(&self) -> Result<PageOffset, Errno> {
        let free = self.taken.iter().position(|taken| !taken.swap(true, Ordering::AcqRel));
        free.map(PageOffset::new).ok_or(Errno::ENOSPC)
    }

    fn free(&self, block: PageOffset) {
        if let Some(taken) = self.taken.get(block.index()) {
            taken.store(false, Ordering::Release);
        }
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
        let view = View::<P> { inode: self.inode.clone(), shared: ctx.is_shared(), entries: AtomicUsize::new(0) };
        Ok(ctx.establish(view)?.fill_later())
    }
}

/// A mapping of the file.
struct View<P: Platform> {
    inode: P::Ref<Inode<P>>,
    shared: bool,
    /// This mapping's part of the inode's count.
    entries: AtomicUsize,
}

impl<P: Platform> View<P> {
    fn insert<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let (at, stores) = (ctx.pgoff(), ctx.is_write());
        let block = match self.inode.block(at) {
            Ok(None) if !self.shared => return ctx.insert_zero_page(),
            Ok(Some(block)) => Ok(block),
            Ok(None) => self.inode.block_or_allocate(at),
            Err(errno) => Err(errno),
        };
        match block.and_then(|block| self.inode.device.frame(block).ok_or(Errno::EIO)) {
            // A store to a private mapping gets its copy from the core, which wants to see the original.
            Ok(frame) if self.shared && stores => ctx.insert_mixed_mkwrite(frame),
            Ok(frame) => ctx.insert_mixed(frame),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        // Counted before it is there, so that a truncation that sees none can rely on it.
        self.count(1);
        let answer = self.insert(ctx);
        if answer.already_present() || answer.is_error() {
            self.uncount(1);
        }
        answer
    }
}

impl<P: Platform> View<P> {
    fn count(&self, entries: usize) {
        self.inode.entries.fetch_add(entries, Ordering::AcqRel);
        self.entries.fetch_add(entries, Ordering::AcqRel);
    }

    fn uncount(&self, entries: usize) {
        self.entries.fetch_sub(entries, Ordering::AcqRel);
        self.inode.entries.fetch_sub(entries, Ordering::AcqRel);
    }
}

impl<P: Platform> Drop for View<P> {
    /// The last VMA is gone, and its entries with it.
    fn drop(&mut self) {
        self.uncount(self.entries.load(Ordering::Acquire));
    }
}
