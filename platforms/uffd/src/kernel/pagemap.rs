//! What the kernel's page tables have, by `/proc/self/pagemap`.

use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{Arc, OnceLock},
};

use crate::error::{RawErrno, raw};

use super::sys::PAGE_SIZE;

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

    /// Which pages of a range are the process's own copies.
    pub(crate) fn private_copies(&self, range: &Range<usize>) -> Result<Vec<bool>, RawErrno> {
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const FILE: u64 = 1 << 61;
        let mut bytes = vec![0; range.len() / PAGE_SIZE * size_of::<u64>()];
        let at = (range.start / PAGE_SIZE * size_of::<u64>()) as u64;
        self.file()?.read_exact_at(&mut bytes, at).map_err(|error| raw(&error))?;
        let is_copy = |entry: &[u8]| {
            let entry = entry.try_into().map_or(0, u64::from_ne_bytes);
            entry & (PRESENT | SWAPPED) != 0 && entry & FILE == 0
        };
        Ok(bytes.chunks_exact(size_of::<u64>()).map(is_copy).collect())
    }
}
