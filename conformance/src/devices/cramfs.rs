//! A file of ten pages, in place, packed, and neither. The device's memory is the image; what is packed are pages of
//! it, too, so that everybody knows their bytes.

use alloc::vec::Vec;

use vmctx::{Errno, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Own, Side, pattern, registers};
use vmctx_drivers::cramfs::{Block, Cramfs, Inode};

/// Pages of the image.
pub const PAGES: usize = 10;
/// How many bytes of the file are in its last page. What follows there is another file's.
pub const TAIL: usize = 100;

/// Gives up the pages that were unpacked: how many.
pub const SHRINK: u32 = 1;

/// A block of the file, with the page of the image whose bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// In place.
    Direct(usize),
    /// Packed.
    Packed(usize),
    /// Zeros.
    Hole,
}

/// The blocks of the file.
pub const FILE: [Made; 10] = [
    Made::Direct(2),
    Made::Direct(3),
    Made::Direct(4),
    Made::Direct(5),
    Made::Packed(8),
    Made::Hole,
    Made::Direct(0),
    Made::Direct(1),
    Made::Packed(9),
    Made::Direct(7),
];

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let image = registers(host, PAGES)?;
    let blocks = blocks::<H::Platform>()?;
    let size = (FILE.len() - 1) * H::Platform::PAGE_SIZE + TAIL;
    let inode = Inode::new(host.memory().clone(), image.clone(), blocks, size, host.may_sleep())?;
    let inode = H::Platform::share(inode, host.may_sleep())?;
    Ok(Opened::new(Cramfs::new(inode.clone()), Image::<H::Platform> { image: Own(image), inode }))
}

/// The blocks of the file, as they are in the image.
///
/// # Errors
/// ENOMEM.
pub fn blocks<P: Platform>() -> Result<Vec<Block>, Errno> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(FILE.len()).map_err(|_| Errno::ENOMEM)?;
    for made in FILE {
        blocks.push(match made {
            Made::Direct(page) => Block::Direct(PageOffset::new(page)),
            Made::Packed(page) => Block::Packed(pack(page * P::PAGE_SIZE, P::PAGE_SIZE)?),
            Made::Hole => Block::Hole,
        });
    }
    Ok(blocks)
}

struct Image<P: Platform> {
    image: Own<P>,
    inode: P::Ref<Inode<P>>,
}

impl<P: Platform> Side<P> for Image<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.image.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.image.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, _: u64) -> Result<u64, Errno> {
        match request {
            SHRINK => Ok(self.inode.shrink(ctx.may_sleep()) as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}

/// The pattern of so many bytes from `start` on, packed.
fn pack(start: usize, bytes: usize) -> Result<Vec<u8>, Errno> {
    let mut runs: Vec<u8> = Vec::new();
    runs.try_reserve_exact(2 * bytes).map_err(|_| Errno::ENOMEM)?;
    for byte in (start..start + bytes).map(pattern) {
        match runs.last_chunk_mut::<2>() {
            Some([count, last]) if *last == byte && *count < u8::MAX => *count += 1,
            _ => runs.extend([1, byte]),
        }
    }
    Ok(runs)
}
