//! A file on a machine of two nodes with two large pages each. In the device's memory the nodes lie one behind the
//! other.

use vmctx::{Errno, Iomem, PageCount, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side, list};
use vmctx_drivers::hugetlb::{Hugetlb, Inode, Policy};

/// How many nodes there are.
pub const NODES: usize = 2;
/// Blocks of each node.
pub const PER_NODE: usize = 2;
/// How long the file can be, in blocks: longer than there are blocks.
pub const LENGTH: usize = 6;

/// Mappings to come prefer the node of this number, from 1 on, or interleave with 0.
pub const POLICY: u32 = 1;
/// Asks where this block of the file is: the number of the block in the device's memory, plus one; 0 if it is not
/// there.
pub const PLACE: u32 = 2;
/// Asks how many blocks are neither in use nor reserved.
pub const AVAILABLE: u32 = 3;
/// Gives up all of the file.
pub const TRUNCATE: u32 = 4;

/// How many pages a block has, with pages of this size in bytes.
#[must_use]
pub const fn block(page_size: usize) -> usize {
    page_size / 8
}

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let pages = PageCount::new(PER_NODE * Inode::<H::Platform>::BLOCK.get());
    let nodes = [host.device_memory(pages)?, host.device_memory(pages)?];
    let inode = Inode::new(list(nodes.clone())?, LENGTH, host.may_sleep())?;
    let inode = H::Platform::share(inode, host.may_sleep())?;
    Ok(Opened::prepared(Hugetlb::new(inode.clone()), Nodes::<H::Platform> { nodes, inode }))
}

struct Nodes<P: Platform> {
    nodes: [P::Iomem; NODES],
    inode: P::Ref<Inode<P>>,
}

impl<P: Platform> Nodes<P> {
    /// The node that a byte is in, and its place there.
    fn locate(&self, offset: usize) -> Result<(&P::Iomem, usize), Errno> {
        let bytes = PER_NODE * Inode::<P>::BLOCK.get() * P::PAGE_SIZE;
        Ok((self.nodes.get(offset / bytes).ok_or(Errno::EINVAL)?, offset % bytes))
    }
}

impl<P: Platform> Side<P> for Nodes<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let (node, at) = self.locate(offset)?;
        node.read(at, into).map_err(|_| Errno::EINVAL)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let (node, at) = self.locate(offset)?;
        node.write(at, from).map_err(|_| Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let argument = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
        match request {
            POLICY => {
                let policy = argument.checked_sub(1).map_or(Policy::Interleave, Policy::Preferred);
                self.inode.set_policy(policy).map(|()| 0)
            }
            PLACE => {
                let place = self.inode.place(argument, ctx.may_sleep());
                Ok(place.map_or(0, |(node, number)| (node * PER_NODE + number) as u64 + 1))
            }
            AVAILABLE => Ok(self.inode.available() as u64),
            TRUNCATE => {
                self.inode.truncate(ctx.may_sleep());
                Ok(0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}
