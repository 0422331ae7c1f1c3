//! What the kernel's page tables have, by `/proc/self/pagemap`.

use std::{
    ffi::c_void,
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    ptr,
    sync::{Arc, OnceLock},
};

use rustix::{
    io,
    ioctl::{self, Ioctl, IoctlOutput, Opcode, opcode},
};

use crate::error::{RawErrno, raw};

use super::{sys::PAGE_SIZE, zero_page::is_zero_page};

/// `struct pm_scan_arg` of `include/uapi/linux/fs.h`.
#[repr(C)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region`
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

const _: () = assert!(size_of::<ScanArgument>() == 96 && size_of::<Region>() == 24);

const PAGEMAP_SCAN: Opcode = opcode::read_write::<ScanArgument>(b'f', 16);
const _: () = assert!(PAGEMAP_SCAN == 0xc060_6610);
/// `PM_SCAN_WP_MATCHING`
const PROTECT_AGAIN: u64 = 1;
/// `PM_SCAN_CHECK_WPASYNC`
const CHECK_WP_ASYNC: u64 = 1 << 1;
/// `PAGE_IS_WRITTEN`
const WRITTEN: u64 = 1 << 1;
/// So many ranges are asked for at once.
const REGIONS: usize = 256;

/// `PAGEMAP_SCAN`: gives back how many regions it has found.
struct Scan<'a>(&'a mut ScanArgument);

// SAFETY: as `do_pagemap_scan` has it: the argument is the structure, which is changed, and the answer a number.
unsafe impl Ioctl for Scan<'_> {
    type Output = usize;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        PAGEMAP_SCAN
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(self.0).cast()
    }

    unsafe fn output_from_ptr(found: IoctlOutput, _: *mut c_void) -> io::Result<usize> {
        Ok(usize::try_from(found).unwrap_or(0))
    }
}

/// The page tables of this process. Clones share one descriptor, which stays open once it was needed: what it is asked
/// later must not fail for want of one.
#[derive(Clone, Default)]
pub(crate) struct Pagemap {
    file: Arc<OnceLock<File>>,
}

impl Pagemap {
    fn file(&self) -> Result<&File, RawErrno> {
        #[cfg(test)]
        super::failing::check()?;
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let opened = File::open("/proc/self/pagemap").map_err(|error| raw(&error))?;
        Ok(self.file.get_or_init(|| opened))
    }

    /// Whether they can be looked at here. Then they can be for as long as this is there.
    pub(crate) fn open(&self) -> Result<(), RawErrno> {
        self.file().map(drop)
    }

    /// Which pages of a range are the process's own copies.
    pub(crate) fn private_copies(&self, range: &Range<usize>) -> Result<Vec<bool>, RawErrno> {
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const FILE: u64 = 1 << 61;
        const EXCLUSIVE: u64 = 1 << 56;
        let mut bytes = vec![0; range.len() / PAGE_SIZE * size_of::<u64>()];
        let at = (range.start / PAGE_SIZE * size_of::<u64>()) as u64;
        let file = self.file()?;
        file.read_exact_at(&mut bytes, at).map_err(|error| raw(&error))?;
        let is_copy = |(page, entry): (usize, &[u8])| {
            let entry = entry.try_into().map_or(0, u64::from_ne_bytes);
            if entry & (PRESENT | SWAPPED) == 0 || entry & FILE != 0 {
                return false;
            }
            // The zero page is mapped in many places at once. Of copies, only those are that were merged with their like.
            let is_alone = entry & (EXCLUSIVE | SWAPPED) != 0;
            is_alone || !is_zero_page(file, &(page..page + PAGE_SIZE)).unwrap_or(true)
        };
        Ok(range.clone().step_by(PAGE_SIZE).zip(bytes.chunks_exact(size_of::<u64>())).map(is_copy).collect())
    }

    /// Calls `each` for the parts of a range that have no write protection: they were stored to since they had one, or were
    /// brought without, or the kernel has nothing there. If `protect`, they have one again from the moment on at which the
    /// kernel has looked. All of the range is registered with a userfaultfd whose protections are the
    /// [kernel's own business](super::userfaultfd::Userfaultfd::is_wp_async).
    pub(crate) fn written(
        &self,
        range: &Range<usize>,
        protect: bool,
        mut each: impl FnMut(Range<usize>),
    ) -> Result<(), RawErrno> {
        let file = self.file()?;
        let mut regions = [Region::default(); REGIONS];
        let mut rest = range.clone();
        while !rest.is_empty() {
            let mut argument = ScanArgument {
                size: size_of::<ScanArgument>() as u64,
                flags: CHECK_WP_ASYNC | if protect { PROTECT_AGAIN } else { 0 },
                start: rest.start as u64,
                end: rest.end as u64,
                walk_end: 0,
                regions: regions.as_mut_ptr().expose_provenance() as u64,
                regions_len: REGIONS as u64,
                max_pages: 0,
                category_inverted: 0,
                category_mask: WRITTEN,
                category_anyof_mask: 0,
                return_mask: WRITTEN,
            };
            // SAFETY: the structure is the request's, and the list is as long as it says.
            let found = unsafe { ioctl::ioctl(file, Scan(&mut argument)) }?;
            for region in regions.iter().take(found) {
                let address = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                each(address(region.start)..address(region.end));
            }
            let walked = usize::try_from(argument.walk_end).unwrap_or(rest.end);
            if walked <= rest.start {
                // It would be asked for the same for ever.
                return Err(RawErrno::IO);
            }
            rest.start = walked;
        }
        Ok(())
    }
}
