//! Large pages that are filled on demand: the last paragraph of linux-kernel, March 2004 ("can device drivers return
//! non-ram via vm_ops->nopage?"): people "want to handle faults on hugetlb and do ZFOD fault handling so that, for
//! instance, various kinds of NUMA and latency issues can be addressed"; `mm/hugetlb.c`, `hugetlb_no_page` and
//! `hugetlb_reserve_pages`.
//!
//! Each node has a pool of blocks of reserved memory, 2 MiB each. A mapping reserves the blocks that it may need, so
//! that no fault of it comes too late. The first touch of a block takes one, on the node that the mapping's policy says
//! or, if that has none left, on another; zeroes it, and maps it with one entry.
//!
//! What C did by hand: there was no hook. Architectures trapped the fault before the core saw it, and hugetlb is a path
//! beside `handle_mm_fault` to this day: its own fault, copy-on-write, unmap, and tests for it all over the core. "A
//! cleaner solution would very nicely reuse more general or stronger forms of driver fault handling." This is one: two
//! hooks that share what they look up. Where no large entry can be, because the mapping was cut or the platform asks
//! for none, the same block is mapped page by page, and a cut need not be refused.

use alloc::vec::Vec;

use vmctx::{
    Backing, Errno, FaultCtx, FrameRange, Hooks, HugeFaultCtx, HugeSize, IomemPart, Made, MaySleep, OnDemand,
    PageCount, PageOffset, PageRange, PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, SharedObject, SpinLock,
    Spot, VmFault, VmOperations,
};

/// On which node a block is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// On this one while it has any (`MPOL_PREFERRED`).
    Preferred(usize),
    /// On each in turn, by the place in the file (`MPOL_INTERLEAVE`).
    Interleave,
}

/// The pools of all nodes, and who has a right to their blocks.
struct Pools<P: Platform> {
    /// By node, the blocks that nobody has, each with its number there.
    free: Vec<Vec<(usize, IomemPart<P>)>>,
    /// By place in the file: whether a block is reserved for it that it does not have yet.
    reserved: Vec<bool>,
    /// Of mappings to come.
    policy: Policy,
}

impl<P: Platform> Pools<P> {
    /// How many blocks are neither in use nor reserved.
    fn available(&self) -> usize {
        let reserved = self.reserved.iter().filter(|reserved| **reserved).count();
        self.free.iter().map(Vec::len).sum::<usize>().saturating_sub(reserved)
    }
}

/// The pools, which each block goes back to.
type Pool<P> = <P as Platform>::Ref<<P as Platform>::SpinLock<Pools<P>>>;

/// A block of reserved memory: its node, and its number there.
struct Block<P: Platform> {
    node: usize,
    number: usize,
    /// `None` only while it goes back.
    memory: Option<IomemPart<P>>,
    pool: Pool<P>,
}

impl<P: Platform> Backing for Block<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.memory.spot(at)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, P>> {
        self.memory.frames(first, count)
    }
}

impl<P: Platform> Drop for Block<P> {
    fn drop(&mut self) {
        // The list has room, because the block was once taken from it.
        if let (Some(memory), Some(free)) = (self.memory.take(), self.pool.lock().free.get_mut(self.node)) {
            free.push((self.number, memory));
        }
    }
}

/// A file of large pages, and the pools that it has for itself.
pub struct Inode<P: Platform> {
    blocks: OnDemand<P, Block<P>>,
    pool: Pool<P>,
}

impl<P: Platform> Inode<P> {
    /// How many pages a block has.
    pub const BLOCK: PageCount = HugeSize::Pmd.page_count(P::PAGE_SHIFT);

    /// An empty file of at most `blocks` blocks, and the memory of each node.
    ///
    /// # Errors
    /// EINVAL without a node; ENOMEM.
    pub fn new(nodes: Vec<P::Iomem>, blocks: usize, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        if nodes.is_empty() {
            return Err(Errno::EINVAL);
        }
        let (mut free, mut reserved) = (list(nodes.len())?, list(blocks)?);
        for node in nodes {
            let memory = IomemPart::<P>::whole(node);
            let mut pool = list(memory.page_count().get().div_ceil(Self::BLOCK.get()))?;
            pool.extend((0..).zip(memory.chunks(Self::BLOCK)).filter(|(_, block)| block.page_count() == Self::BLOCK));
            free.push(pool);
        }
        reserved.resize(blocks, false);
        let pools = P::SpinLock::new(Pools { free, reserved, policy: Policy::Interleave }, may_sleep)?;
        let pages = PageCount::new(blocks.saturating_mul(Self::BLOCK.get()));
        let blocks = OnDemand::new(&SharedObject::new(may_sleep)?, pages, Self::BLOCK, may_sleep)?;
        Ok(Self { blocks, pool: P::share(pools, may_sleep)? })
    }

    /// The policy of mappings to come.
    ///
    /// # Errors
    /// EINVAL for a node that does not exist.
    pub fn set_policy(&self, policy: Policy) -> Result<(), Errno> {
        let mut pools = self.pool.lock();
        if matches!(policy, Policy::Preferred(node) if node >= pools.free.len()) {
            return Err(Errno::EINVAL);
        }
        pools.policy = policy;
        Ok(())
    }

    /// How many blocks are neither in use nor reserved.
    pub fn available(&self) -> usize {
        self.pool.lock().available()
    }

    /// The node and the number there of a block of the file, if it is there.
    pub fn place(&self, block: usize, may_sleep: MaySleep<'_>) -> Option<(usize, usize)> {
        self.blocks.resident(may_sleep).get(block)?.get().map(|block| (block.node, block.number))
    }

    /// Gives up all of the file: its blocks, with what users have left in them, and what was reserved.
    pub fn truncate(&self, may_sleep: MaySleep<'_>) {
        self.pool.lock().reserved.fill(false);
        self.blocks.truncate(PageRange::new(PageOffset::ZERO, PageOffset::new(usize::MAX)), may_sleep);
    }

    /// Reserves those of these blocks of the file that are neither reserved yet nor there: all of them, or none. Gives
    /// back the policy.
    ///
    /// # Errors
    /// ENOMEM if the pools do not have as many; EINVAL behind the file's greatest length.
    fn reserve(&self, first: usize, count: usize, may_sleep: MaySleep<'_>) -> Result<Policy, Errno> {
        let end = first.checked_add(count).ok_or(Errno::EINVAL)?;
        // Held so that no block comes or goes meanwhile.
        let blocks = self.blocks.resident(may_sleep);
        let mut pools = self.pool.lock();
        let available = pools.available();
        let entries = pools.reserved.get_mut(first..end).ok_or(Errno::EINVAL)?;
        let is_missing = |at: usize, reserved: bool| !reserved && blocks.get(at).is_some_and(Made::is_absent);
        if (first..).zip(&*entries).filter(|(at, reserved)| is_missing(*at, **reserved)).count() > available {
            return Err(Errno::ENOMEM);
        }
        for (at, reserved) in (first..).zip(entries) {
            *reserved |= is_missing(at, *reserved);
        }
        Ok(pools.policy)
    }

    /// Takes the block that is reserved for a place in the file, on the wanted node or else on the next that has one,
    /// and zeroes it.
    ///
    /// # Errors
    /// ENXIO where nothing is reserved: the file was truncated.
    fn take(&self, at: usize, policy: Policy) -> Result<Block<P>, Errno> {
        let mut pools = self.pool.lock();
        let nodes = pools.free.len();
        let wanted = match policy {
            Policy::Preferred(node) => node,
            Policy::Interleave => at % nodes,
        };
        let reserved = pools.reserved.get_mut(at).filter(|reserved| **reserved).ok_or(Errno::ENXIO)?;
        *reserved = false;
        let taken = (wanted..wanted.saturating_add(nodes)).map(|node| node % nodes).find_map(|node| {
            let (number, memory) = pools.free.get_mut(node)?.pop()?;
            Some(Block::<P> { node, number, memory: Some(memory), pool: self.pool.clone() })
        });
        drop(pools);
        // There is one, because one was reserved.
        let block = taken.ok_or(Errno::ENOMEM)?;
        clear(block.memory.as_ref().ok_or(Errno::EIO)?)?;
        Ok(block)
    }
}

fn clear<P: Platform>(block: &IomemPart<P>) -> Result<(), Errno> {
    const ZEROS: [u8; 1024] = [0; 1024];
    (0..block.byte_count()).step_by(ZEROS.len()).try_for_each(|at| block.write(at, &ZEROS)).map_err(|_| Errno::EIO)
}

/// An empty list with room for so many.
fn list<T>(count: usize) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    Ok(list)
}

/// A mapping of the file.
pub struct View<P: Platform> {
    inode: P::Ref<Inode<P>>,
    policy: Policy,
}

impl<P: Platform> View<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.inode.blocks.serve_huge(ctx, |at, _| self.inode.take(at, self.policy))
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.huge_fault(Self::huge_fault).object(|view: &Self| Some(view.inode.blocks.object()));

    /// One page of a block, where there can be no large entry.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.inode.blocks.serve(ctx, |at, _| self.inode.take(at, self.policy))
    }
}

/// An open file.
pub struct Hugetlb<P: Platform> {
    inode: P::Ref<Inode<P>>,
}

impl<P: Platform> Hugetlb<P> {
    /// Opens it.
    pub fn new(inode: P::Ref<Inode<P>>) -> Self {
        Self { inode }
    }
}

impl<P: Platform> PrepareFile for Hugetlb<P> {
    type Platform = P;
    type Ops = View<P>;

    /// Maps whole blocks, shared; anything else is EINVAL. (In C large pages can be private and copied; frames by
    /// number cannot.) ENOMEM if the pools have too few blocks, so that no touch can fail for that reason later. What
    /// is reserved belongs to the file, and stays reserved when the mapping goes.
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let ctx = ctx.shared_only()?.writable();
        let (first, count, block) = (ctx.pgoff().index(), ctx.page_count().get(), Inode::<P>::BLOCK.get());
        if first % block != 0 || count % block != 0 {
            return Err(Errno::EINVAL);
        }
        ctx.by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        let (first, count, block) = (shown.start.index(), shown.page_count().get(), Inode::<P>::BLOCK.get());
        let policy = self.inode.reserve(first / block, count / block, may_sleep)?;
        P::share(View::<P> { inode: self.inode.clone(), policy }, may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.inode.blocks.object())
    }
}
