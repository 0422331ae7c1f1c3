//! Where new mappings are put.

use vmctx::Errno;

use crate::{paged::Paged, paging::PageTable, vma::Vmas};

/// As high as possible below the last mapping (`get_unmapped_area`), for `len` bytes.
fn highest<P: Paged>(vmas: &Vmas<P>, len: usize) -> Result<usize, Errno> {
    let end = vmas.highest_room(P::MMAP_BASE, len).ok_or(Errno::ENOMEM)?;
    match end.checked_sub(len) {
        Some(start) if start >= P::MMAP_MIN => Ok(start),
        _ => Err(Errno::ENOMEM),
    }
}

/// The same, with addresses and the object's offsets alike modulo what a large entry maps, if that can be worth it
/// (`thp_get_unmapped_area`).
pub(crate) fn find<P: Paged>(vmas: &Vmas<P>, len: usize, pgoff: usize) -> Result<usize, Errno> {
    if len > P::TASK_SIZE {
        return Err(Errno::ENOMEM);
    }
    let span = P::Table::TABLE_SPAN;
    let offset = pgoff.wrapping_mul(P::PAGE_SIZE) % span;
    let before = (span - offset) % span;
    if len < before + span {
        return highest(vmas, len);
    }
    let Ok(gap) = highest(vmas, len + span) else { return highest(vmas, len) };
    match offset.wrapping_sub(gap) % span {
        0 => Ok(gap + span),
        skipped => Ok(gap + skipped),
    }
}
