//! Page tables: ArceOS's `PageTable64`, for which `vmctx-hosted` has a lock.

use std::{cell::RefCell, ops::Range};

use memory_addr::{MemoryAddr, PhysAddr, VirtAddr};
use page_table_multiarch::{GenericPTE, MappingFlags, PageSize, PageTable64, PagingHandler, PagingMetaData};
use parking_lot::Mutex;
use vmctx::Errno;
use vmctx_hosted::{Place, PlainTable, Pte};

use crate::{
    PAGE_SIZE,
    bits::{Bits, from_bits, to_bits},
};

/// What an entry is set to that stays empty.
const NOWHERE: PhysAddr = PhysAddr::from_usize(0);
const NOTHING: MappingFlags = MappingFlags::empty();

/// Four levels. No hardware walks them, so there is no TLB: the lock is the shootdown.
struct Format;

impl PagingMetaData for Format {
    const LEVELS: usize = 4;
    const PA_MAX_BITS: usize = 52;
    const VA_MAX_BITS: usize = 48;

    type VirtAddr = VirtAddr;

    fn flush_tlb(_: Option<VirtAddr>) {}
}

#[repr(align(4096))]
struct Frame([usize; 512]);

/// The frames of the tables themselves: memory of this program, which is used again and never given back.
struct Frames;

static FREE: Mutex<Vec<PhysAddr>> = Mutex::new(Vec::new());

impl PagingHandler for Frames {
    fn alloc_frames(num: usize, _: usize) -> Option<PhysAddr> {
        let fresh = || PhysAddr::from(Box::leak(Box::new(Frame([0; 512]))).0.as_mut_ptr().expose_provenance());
        (num == 1).then(|| FREE.lock().pop().unwrap_or_else(fresh))
    }

    fn dealloc_frames(paddr: PhysAddr, _: usize) {
        FREE.lock().push(paddr);
    }

    fn phys_to_virt(paddr: PhysAddr) -> VirtAddr {
        VirtAddr::from(paddr.as_usize())
    }
}

/// The page tables of one address space.
pub(crate) struct Table(PageTable64<Format, Bits, Frames>);

impl PlainTable for Table {
    const PAGE_SIZE: usize = PAGE_SIZE;
    const HAS_HUGE: bool = true;

    fn empty() -> Self {
        Self(PageTable64::try_new().expect("frames of tables come from the heap, which does not fail"))
    }

    fn find(&mut self, address: usize) -> Place {
        match self.0.query(address.into()) {
            Ok((at, flags, size)) if size.is_huge() => Place::Huge(from_bits(at.align_down(size), flags)),
            Ok((at, flags, _)) => Place::Small(Some(from_bits(at.align_down_4k(), flags))),
            // The crate tells an empty entry from a missing table only when the entry is written: with nothing, here.
            Err(_) if self.0.cursor().remap(address.into(), NOWHERE, NOTHING).is_ok() => Place::Small(None),
            Err(_) => Place::Bare,
        }
    }

    /// The crate makes tables for whatever is mapped there: nothing, here.
    fn make_table(&mut self, address: usize) -> Result<(), Errno> {
        self.0.cursor().map(address.into(), NOWHERE, PageSize::Size4K, NOTHING).map_err(|_| Errno::ENOMEM)
    }

    fn set(&mut self, address: usize, pte: Option<Pte>) {
        let written = match pte.map(to_bits) {
            Some((frame, flags)) => self.0.cursor().remap(address.into(), frame, flags).map(drop),
            None => self.0.cursor().unmap(address.into()).map(drop),
        };
        debug_assert_eq!(written, Ok(()), "an entry without a table");
    }

    fn make_huge(&mut self, address: usize, pte: Pte) -> Result<(), Errno> {
        let (frame, flags) = to_bits(pte);
        self.0.cursor().map(address.into(), frame, PageSize::Size2M, flags).map_err(|_| Errno::ENOMEM)
    }

    /// The crate frees tables only all together, so those that are needed are made anew.
    fn free_empty(&mut self) {
        let kept = self.entries(&(0..Self::ADDRESS_END));
        *self = Self::empty();
        for (bytes, pte) in kept {
            let size = if bytes.len() == PAGE_SIZE { PageSize::Size4K } else { PageSize::Size2M };
            let (frame, flags) = to_bits(pte);
            let made = self.0.cursor().map(bytes.start.into(), frame, size, flags);
            debug_assert_eq!(made, Ok(()), "what was there fits");
        }
    }

    fn entries(&self, range: &Range<usize>) -> Vec<(Range<usize>, Pte)> {
        let found = RefCell::new(Vec::new());
        let visit = |level, _, at: VirtAddr, entry: &Bits| {
            let (start, is_huge) = (at.as_usize(), entry.is_huge());
            let bytes = start..start + if is_huge { Self::TABLE_SPAN } else { PAGE_SIZE };
            let is_in = start < range.end && (start >= range.start || (is_huge && bytes.end > range.start));
            if is_in && (is_huge || level == Format::LEVELS - 1) {
                found.borrow_mut().push((bytes, from_bits(entry.paddr(), entry.flags())));
            }
        };
        self.0.walk(usize::MAX, Some(&visit), None);
        found.into_inner()
    }
}
