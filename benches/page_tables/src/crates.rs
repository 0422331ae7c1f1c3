//! The page tables of crates.

use std::alloc::{Layout, alloc_zeroed, dealloc};

use memory_addr::{PhysAddr, VirtAddr};
use page_table_entry::{MappingFlags, x86_64::X64PTE};
use page_table_multiarch::{PageSize, PageTable64, PagingHandler, PagingMetaData};
use x86_64::structures::paging::{
    FrameAllocator, Mapper, Page, PageTable, PageTableFlags, PhysFrame, Size4KiB, Translate,
    mapper::{MappedPageTable, PageTableFrameMapping},
};

use crate::{BASE, PAGE, Table, timed};

const FRAME: Layout = match Layout::from_size_align(PAGE, PAGE) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

fn new_frame() -> *mut u8 {
    // SAFETY: the layout has a size.
    unsafe { alloc_zeroed(FRAME) }
}

/// Memory of this program stands in for frames, at the addresses that it has.
struct Frames;

impl PagingHandler for Frames {
    fn alloc_frames(num: usize, _align: usize) -> Option<PhysAddr> {
        (num == 1).then(|| PhysAddr::from_usize(new_frame().addr()))
    }

    fn dealloc_frames(at: PhysAddr, _num: usize) {
        // SAFETY: it was allocated above.
        unsafe { dealloc(at.as_usize() as *mut u8, FRAME) };
    }

    fn phys_to_virt(at: PhysAddr) -> VirtAddr {
        VirtAddr::from_usize(at.as_usize())
    }
}

/// As x86-64's, without a TLB, which only a kernel may flush.
struct Levels;

impl PagingMetaData for Levels {
    const LEVELS: usize = 4;
    const PA_MAX_BITS: usize = 52;
    const VA_MAX_BITS: usize = 48;

    type VirtAddr = VirtAddr;

    fn flush_tlb(_: Option<VirtAddr>) {}
}

/// `page_table_multiarch`
pub(crate) struct Multiarch(PageTable64<Levels, X64PTE, Frames>);

impl Table for Multiarch {
    fn new(_pages: usize) -> Self {
        Self(PageTable64::try_new().expect("memory"))
    }

    fn insert_all(&mut self, pages: usize) -> f64 {
        let flags = MappingFlags::READ | MappingFlags::WRITE | MappingFlags::USER;
        timed(|| {
            let mut cursor = self.0.cursor();
            for page in 0..pages {
                let (at, frame) = (VirtAddr::from(BASE + page * PAGE), PhysAddr::from(page * PAGE));
                cursor.map(at, frame, PageSize::Size4K, flags).expect("mapped");
            }
        })
    }

    fn look_up(&self, page: usize) -> u64 {
        let (frame, ..) = self.0.query(VirtAddr::from(BASE + page * PAGE)).expect("mapped");
        frame.as_usize() as u64
    }
}

/// Memory of this program stands in for frames, at the addresses that it has.
struct Same;

// SAFETY: a frame is where its address says.
unsafe impl PageTableFrameMapping for Same {
    fn frame_to_pointer(&self, frame: PhysFrame) -> *mut PageTable {
        frame.start_address().as_u64() as *mut PageTable
    }
}

/// Frames for tables, given back together.
#[derive(Default)]
struct Tables(Vec<*mut u8>);

// SAFETY: each frame is fresh.
unsafe impl FrameAllocator<Size4KiB> for Tables {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        let frame = new_frame();
        self.0.push(frame);
        PhysFrame::from_start_address(x86_64::PhysAddr::new(frame.addr() as u64)).ok()
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        for frame in self.0.drain(..) {
            // SAFETY: it was allocated above, and the tables are not used any more.
            unsafe { dealloc(frame, FRAME) };
        }
    }
}

/// `x86_64`
pub(crate) struct X86 {
    mapper: MappedPageTable<'static, Same>,
    tables: Tables,
}

impl Table for X86 {
    fn new(_pages: usize) -> Self {
        let mut tables = Tables::default();
        let top = tables.allocate_frame().expect("memory");
        // SAFETY: the frame is fresh, zeroed, and there for as long as the mapper is used.
        let mapper = unsafe { MappedPageTable::new(&mut *Same.frame_to_pointer(top), Same) };
        Self { mapper, tables }
    }

    fn insert_all(&mut self, pages: usize) -> f64 {
        let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE | PageTableFlags::USER_ACCESSIBLE;
        timed(|| {
            for page in 0..pages {
                let at = Page::<Size4KiB>::containing_address(x86_64::VirtAddr::new((BASE + page * PAGE) as u64));
                let frame = PhysFrame::containing_address(x86_64::PhysAddr::new((page * PAGE) as u64));
                // SAFETY: nobody looks through these page tables.
                let mapped = unsafe { self.mapper.map_to(at, frame, flags, &mut self.tables) };
                mapped.expect("mapped").ignore();
            }
        })
    }

    fn look_up(&self, page: usize) -> u64 {
        let at = x86_64::VirtAddr::new((BASE + page * PAGE) as u64);
        self.mapper.translate_addr(at).expect("mapped").as_u64()
    }
}
