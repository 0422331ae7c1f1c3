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
    Errno, FaultCtx, FrameSource, Hooks, HugeFaultCtx, HugeSize, Iomem, MaySleep, PageCount, PageOffset, PageRange,
    PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, RwLock, SharedObject, VmFault, VmOperations,
};

/// On which node a block is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// On this one while it has any (`MPOL_PREFERRED`).
    Preferred(usize),
    /// On each in turn, by the place in the file (`MPOL_INTERLEAVE`).
    Interleave,
}

/// A block of reserved memory: its node, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    node: usize,
    number: usize,
}

/// What is behind a block of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Nothing, and no block is reserved for it.
    Unreserved,
    /// Nothing yet, and a block is reserved for it.
    Reserved,
    /// This block.
    Present(Block),
}

/// What the lock protects.
struct State {
    /// By node and number: whether the block is in use.
    taken: Vec<Vec<bool>>,
    /// By place in the file.
    file: Vec<Entry>,
    /// Of mappings to come.
    policy: Policy,
}

impl State {
    fn free(&self) -> usize {
        self.taken.iter().flatten().filter(|taken| !**taken).count()
    }

    fn reserved(&self) -> usize {
        self.file.iter().filter(|entry| **entry == Entry::Reserved).count()
    }

    /// A block, of the wanted node or else of the next that has one.
    fn take(&mut self, wanted: usize) -> Option<Block> {
        let nodes = self.taken.len();
        (wanted..wanted.saturating_add(nodes)).find_map(|node| {
            let node = node % nodes;
            let blocks = self.taken.get_mut(node)?;
            let (number, taken) = blocks.iter_mut().enumerate().find(|(_, taken)| !**taken)?;
            *taken = true;
            Some(Block { node, number })
        })
    }
}

/// A file of large pages, and the pools that it has for itself.
pub struct Inode<P: Platform> {
    nodes: Vec<P::Iomem>,
    state: P::RwLock<State>,
    mappings: SharedObject<P>,
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
        let mut taken = Vec::new();
        taken.try_reserve_exact(nodes.len()).map_err(|_| Errno::ENOMEM)?;
        for node in &nodes {
            taken.push(list(node.count().get() / Self::BLOCK.get(), false)?);
        }
        let state = State { taken, file: list(blocks, Entry::Unreserved)?, policy: Policy::Interleave };
        Ok(Self { nodes, state: P::RwLock::new(state, may_sleep)?, mappings: SharedObject::new(may_sleep)? })
    }

    /// The policy of mappings to come.
    ///
    /// # Errors
    /// EINVAL for a node that does not exist.
    pub fn set_policy(&self, policy: Policy, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        if matches!(policy, Policy::Preferred(node) if node >= self.nodes.len()) {
            return Err(Errno::EINVAL);
        }
        self.state.write(may_sleep).policy = policy;
        Ok(())
    }

    /// How many blocks are neither in use nor reserved.
    pub fn available(&self, may_sleep: MaySleep<'_>) -> usize {
        let state = self.state.read(may_sleep);
        state.free().saturating_sub(state.reserved())
    }

    /// The node and the number there of a block of the file, if it is there.
    pub fn place(&self, block: usize, may_sleep: MaySleep<'_>) -> Option<(usize, usize)> {
        match self.state.read(may_sleep).file.get(block)? {
            Entry::Present(block) => Some((block.node, block.number)),
            Entry::Unreserved | Entry::Reserved => None,
        }
    }

    /// Gives up all of the file: its blocks, with what users have left in them, and what was reserved.
    pub fn truncate(&self, may_sleep: MaySleep<'_>) {
        let mut state = self.state.write(may_sleep);
        self.mappings.unmap_once(PageOffset::ZERO, PageCount::new(usize::MAX), may_sleep);
        let State { taken, file, .. } = &mut *state;
        for entry in file {
            if let Entry::Present(block) = *entry {
                if let Some(taken) = taken.get_mut(block.node).and_then(|node| node.get_mut(block.number)) {
                    *taken = false;
                }
            }
            *entry = Entry::Unreserved;
        }
    }

    /// Reserves those of these blocks of the file that are not reserved yet: all of them, or none. Gives back the
    /// policy.
    ///
    /// # Errors
    /// ENOMEM if the pools do not have as many; EINVAL behind the file's greatest length.
    fn reserve(&self, first: usize, count: usize, may_sleep: MaySleep<'_>) -> Result<Policy, Errno> {
        let mut state = self.state.write(may_sleep);
        let available = state.free().saturating_sub(state.reserved());
        let end = first.checked_add(count).ok_or(Errno::EINVAL)?;
        let entries = state.file.get_mut(first..end).ok_or(Errno::EINVAL)?;
        if entries.iter().filter(|entry| **entry == Entry::Unreserved).count() > available {
            return Err(Errno::ENOMEM);
        }
        for entry in entries.iter_mut().filter(|entry| **entry == Entry::Unreserved) {
            *entry = Entry::Reserved;
        }
        Ok(state.policy)
    }

    /// The block of this place in the file, which is taken and zeroed if need be.
    ///
    /// # Errors
    /// ENXIO where nothing is reserved: the file was truncated.
    fn block(&self, state: &mut State, at: usize, policy: Policy) -> Result<Block, Errno> {
        match state.file.get(at).ok_or(Errno::ENXIO)? {
            Entry::Present(block) => return Ok(*block),
            Entry::Unreserved => return Err(Errno::ENXIO),
            Entry::Reserved => {}
        }
        let wanted = match policy {
            Policy::Preferred(node) => node,
            Policy::Interleave => at % self.nodes.len(),
        };
        // There is a free block, because one was reserved.
        let block = state.take(wanted).ok_or(Errno::ENOMEM)?;
        self.clear(block)?;
        *state.file.get_mut(at).ok_or(Errno::ENXIO)? = Entry::Present(block);
        Ok(block)
    }

    fn clear(&self, block: Block) -> Result<(), Errno> {
        const ZEROS: [u8; 1024] = [0; 1024];
        let node = self.nodes.get(block.node).ok_or(Errno::EIO)?;
        let start = block.number * Self::BLOCK.get() * P::PAGE_SIZE;
        (start..start + Self::BLOCK.get() * P::PAGE_SIZE)
            .step_by(ZEROS.len())
            .try_for_each(|at| node.write(at, &ZEROS))
            .map_err(|_| Errno::EIO)
    }
}

fn list<T: Clone>(count: usize, value: T) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    list.resize(count, value);
    Ok(list)
}

/// A mapping of the file.
pub struct View<P: Platform> {
    inode: P::Ref<Inode<P>>,
    policy: Policy,
}

impl<P: Platform> View<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let size = Inode::<P>::BLOCK;
        ctx.insert_huge_with(|ctx, entry| {
            let index = entry.range().start.index() / size.get();
            let mut state = self.inode.state.write(ctx.may_sleep());
            // Without a block there are no pages either: the fault hook says why.
            let block = self.inode.block(&mut state, index, self.policy).ok()?;
            let frames = self.inode.nodes.get(block.node)?.range(PageOffset::new(block.number * size.get()), size)?;
            entry.in_extent(PageOffset::new(index * size.get()), frames)
        })
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    /// One page of a block, where there can be no large entry.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let (size, at) = (Inode::<P>::BLOCK.get(), ctx.pgoff().index());
        let mut state = self.inode.state.write(ctx.may_sleep());
        let block = match self.inode.block(&mut state, at / size, self.policy) {
            Ok(block) => block,
            Err(errno) => return ctx.fail(errno),
        };
        let page = PageOffset::new(block.number * size + at % size);
        ctx.insert_pfn_with(|_| self.inode.nodes.get(block.node).and_then(|node| node.frame(page)).ok_or(Errno::EIO))
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
        Some(&self.inode.mappings)
    }
}
