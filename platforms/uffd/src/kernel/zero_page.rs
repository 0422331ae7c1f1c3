//! Which of this process's pages are the kernel's zero page (`PAGEMAP_SCAN` of `include/uapi/linux/fs.h`).

use std::{fs::File, ops::Range};

use rustix::ioctl::{self, Opcode, Updater, opcode};

/// `PAGE_IS_PFNZERO`
const IS_ZERO_PAGE: u64 = 1 << 5;

#[repr(C)]
#[derive(Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

#[repr(C)]
#[derive(Default)]
struct PmScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const PAGEMAP_SCAN: Opcode = opcode::read_write::<PmScanArg>(b'f', 16);

const _: () = assert!(size_of::<PageRegion>() == 24 && size_of::<PmScanArg>() == 96 && PAGEMAP_SCAN == 0xc060_6610);

/// Whether a page is the kernel's zero page, by this process's `/proc/self/pagemap`. `None` before Linux 6.7, which cannot
/// tell.
pub(crate) fn is_zero_page(pagemap: &File, page: &Range<usize>) -> Option<bool> {
    let mut found = PageRegion::default();
    let mut scan = PmScanArg {
        size: size_of::<PmScanArg>() as u64,
        start: page.start as u64,
        end: page.end as u64,
        vec: (&raw mut found).expose_provenance() as u64,
        vec_len: 1,
        category_mask: IS_ZERO_PAGE,
        return_mask: IS_ZERO_PAGE,
        ..PmScanArg::default()
    };
    // SAFETY: the structure is the request's, and has room for one region, which outlives the call.
    unsafe { ioctl::ioctl(pagemap, Updater::<PAGEMAP_SCAN, PmScanArg>::new(&mut scan)) }.ok()?;
    Some(found.start == page.start as u64 && found.categories & IS_ZERO_PAGE != 0)
}
