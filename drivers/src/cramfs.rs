//! A file of a compressed image in memory that can be read in place: `fs/cramfs/inode.c`, `cramfs_physmem_mmap`.
//!
//! Blocks that are not compressed can be mapped where they are. If all of a mapping is, one behind the other, it is
//! remapped as a whole; if its beginning is, that is inserted, and the rest is unpacked into pages when it is touched;
//! else all of it is. The kind is chosen for each mapping.
//!
//! What C does by hand: it calls `vmf_insert_mixed` in its mmap hook, because nothing else inserts a frame into such a
//! mapping, and turns the fault code that it gets back into an errno with `vm_fault_to_errno`: the reverse of what
//! every other driver did. `vm_flags_set(vma, VM_MIXEDMAP)` is one line before the loop, and what it means for the page
//! cache's fault hook is nowhere. Here the insertion of a mmap hook answers an errno, and each of the two kinds is what
//! the hook ends with. What was unpacked is in a [`PageCache`]: two faults unpack a page once.
//!
//! This one keeps its mmap hook: the kind is chosen for each mapping, and a mapping is filled in part, neither of which a
//! [prepare hook](vmctx::PrepareFile) can say.

use alloc::vec::Vec;
use core::array;

use vmctx::{
    Errno, FaultCtx, FrameRange, FrameSource, Hooks, Iomem, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCache,
    PageCount, PageOffset, PageRange, PageRef, Platform, Remapped, SharedObject, VmFault, VmOperations,
};

use crate::buffer::copy_bytes;

/// A block of a file: what one page of it is made of.
pub enum Block {
    /// A page of the image, as it is (`CRAMFS_BLK_FLAG_UNCOMPRESSED`, `CRAMFS_BLK_FLAG_DIRECT_PTR`).
    Direct(PageOffset),
    /// Runs of bytes, each its length, from 1 to 255, and the byte. (There it is zlib.) What they do not fill is zero.
    Packed(Vec<u8>),
    /// Zeros.
    Hole,
}

/// A file in the image.
pub struct Inode<P: Platform> {
    image: P::Iomem,
    blocks: Vec<Block>,
    /// In bytes.
    size: usize,
    /// Whether something else than the end of the file is in its last page.
    shares_its_last_page: bool,
    /// What has been unpacked.
    cache: PageCache<P>,
}

impl<P: Platform> Inode<P> {
    /// A file of these blocks and of `size` bytes. Pages for it come from `memory`.
    ///
    /// # Errors
    /// EINVAL if a block is not in the image, or if the size does not end in the last block; ENOMEM.
    pub fn new(
        memory: P::Memory,
        image: P::Iomem,
        blocks: Vec<Block>,
        size: usize,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let inside = blocks.iter().all(|block| !matches!(block, Block::Direct(at) if image.frame(*at).is_none()));
        if !inside || size.div_ceil(P::PAGE_SIZE) != blocks.len() {
            return Err(Errno::EINVAL);
        }
        let shares_its_last_page = match blocks.last() {
            Some(Block::Direct(at)) if size % P::PAGE_SIZE != 0 => {
                let start = at.index().saturating_mul(P::PAGE_SIZE);
                !is_zero(&image, start + size % P::PAGE_SIZE, start + P::PAGE_SIZE)?
            }
            _ => false,
        };
        let pages = PageCount::new(blocks.len());
        let cache = PageCache::new(memory, &SharedObject::new(may_sleep)?, pages, may_sleep)?;
        Ok(Self { image, blocks, size, shares_its_last_page, cache })
    }

    /// Gives up the pages that were unpacked, and says how many they were. Who touches one has it unpacked anew.
    pub fn shrink(&self, may_sleep: MaySleep<'_>) -> usize {
        let all = PageRange::new(PageOffset::ZERO, PageOffset::new(self.blocks.len()));
        self.cache.truncate(all, may_sleep).get()
    }

    /// The frames of as many blocks from `at` on, `count` at most, as lie one behind the other in the image, and may be
    /// seen as they are.
    fn in_place(&self, at: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let mappable = self.blocks.len() - usize::from(self.shares_its_last_page);
        let blocks = self.blocks.get(at.index()..mappable)?;
        let Some(Block::Direct(first)) = blocks.first() else { return None };
        let follows = |(block, expected): (&Block, usize)| matches!(block, Block::Direct(at) if at.index() == expected);
        let run = blocks.iter().zip(first.index()..).take(count.get()).take_while(|next| follows(*next)).count();
        self.image.range(*first, PageCount::new(run))
    }

    /// Unpacks a page (`cramfs_read_folio`).
    fn unpack(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        let bytes = (self.size - at.index() * P::PAGE_SIZE).min(P::PAGE_SIZE);
        match self.blocks.get(at.index()).ok_or(Errno::ENXIO)? {
            Block::Hole => {}
            Block::Direct(block) => {
                let start = block.index() * P::PAGE_SIZE;
                copy_bytes(
                    bytes,
                    |at, into| self.image.read(start + at, into).map_err(|_| Errno::EIO),
                    |at, from| page.write(at, from).map_err(|_| Errno::EIO),
                )?;
            }
            Block::Packed(runs) => {
                let mut end = 0;
                for run in runs.chunks(2) {
                    let &[count @ 1..=u8::MAX, byte] = run else { return Err(Errno::EIO) };
                    let run: [u8; 255] = array::from_fn(|_| byte);
                    let run = run.get(..usize::from(count)).ok_or(Errno::EIO)?;
                    page.write(end, run).map_err(|_| Errno::EIO)?;
                    end += run.len();
                }
            }
        }
        Ok(())
    }
}

impl<P: Platform> VmOperations for Inode<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|inode: &Self| Some(inode.cache.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.unpack(at, page))
    }
}

/// Whether these bytes are all zero.
fn is_zero(memory: &impl Iomem, start: usize, end: usize) -> Result<bool, Errno> {
    let mut byte = [0];
    for at in start..end {
        memory.read(at, &mut byte).map_err(|_| Errno::EIO)?;
        if byte != [0] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An open file.
pub struct Cramfs<P: Platform> {
    inode: P::Ref<Inode<P>>,
}

impl<P: Platform> Cramfs<P> {
    /// Opens it.
    pub fn new(inode: P::Ref<Inode<P>>) -> Self {
        Self { inode }
    }
}

impl<P: Platform> MmapFile for Cramfs<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        // Nobody writes to the image, so shared mappings are read-only (`generic_file_readonly_mmap`).
        if ctx.is_shared() && ctx.is_writable() {
            return Err(Errno::EINVAL);
        }
        let in_place = self.inode.in_place(ctx.pgoff(), ctx.page_count()).filter(|_| !ctx.is_writable());
        if let Some(all) = in_place.filter(|frames| frames.count() == ctx.page_count()) {
            return ctx.without_faults::<Remapped>()?.remap_from_first(all);
        }
        let mut ctx = ctx.establish_shared(self.inode.clone())?;
        for at in (0..in_place.map_or(0, |frames| frames.count().get())).map(PageCount::new) {
            let frame = in_place.and_then(|frames| frames.part(at, PageCount::new(1))).ok_or(Errno::EIO)?;
            ctx = ctx.insert_mixed(frame.first())?;
        }
        Ok(ctx.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.inode.cache.object())
    }
}

#[cfg(test)]
mod tests {
    use vmctx_sim::{Injection, Machine, Map, Prot, Sim};

    use super::*;

    #[test]
    fn a_frame_that_cannot_be_inserted_is_an_errno_of_mmap_and_a_bad_block_a_signal() {
        let machine = Machine::new();
        let image = machine.device_memory(PageCount::new(1)).unwrap();
        let torn = Block::Packed([3, 7, 1].to_vec());
        let blocks = [Block::Direct(PageOffset::ZERO), torn].into_iter().collect();
        let inode = Inode::new(machine.clone(), image, blocks, 2 * Sim::PAGE_SIZE, machine.may_sleep()).unwrap();
        let file = machine.open(Cramfs::<Sim>::new(Sim::share(inode, machine.may_sleep()).unwrap()));
        let process = machine.process();
        let map = Map::shared(2 * Sim::PAGE_SIZE).prot(Prot::READ);
        for errno in [Errno::ENOMEM, Errno::EBUSY, Errno::EINVAL] {
            machine.inject(Injection::Insertion { after: 0, errno });
            assert_eq!(process.mmap(&file, map).unwrap_err().errno(), Some(errno));
        }
        let at = process.mmap(&file, map).unwrap();
        assert_eq!(process.thread().read_u8(at), Ok(0));
        let bad = vmctx::UserAddr::new(at.get() + Sim::PAGE_SIZE);
        assert!(process.thread().read_u8(bad).is_err_and(|error| error.signal().is_some()));
    }
}
