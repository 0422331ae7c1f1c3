//! A memory file, and the driver that restores it.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
};

use vmctx::{Errno, FaultCtx, FrameSource as _, Mixed, PageOffset, VmFault, VmOperations};
use vmctx_uffd::{Adopted, MappedFile, Removed};

use crate::by_hand::PAGE;

/// The byte at an offset in a page of the file. It is never zero.
pub(crate) fn byte(page: usize, offset: usize) -> u8 {
    let mixed = page.wrapping_mul(31) ^ offset.wrapping_mul(7) ^ (page >> 8);
    mixed.to_le_bytes()[0] | 1
}

pub(crate) fn file(pages: usize) -> File {
    let mut file = temporary();
    for page in 0..pages {
        let bytes: Vec<u8> = (0..PAGE).map(|offset| byte(page, offset)).collect();
        file.write_all(&bytes).unwrap();
    }
    file.rewind().unwrap();
    file
}

/// A file that has no name.
fn temporary() -> File {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).open(std::env::temp_dir()).unwrap()
}

/// What restores a memory file.
pub(crate) struct Snapshot {
    pub(crate) file: MappedFile,
    /// What the peer has given back is zeros from then on.
    pub(crate) removed: Option<Removed>,
    /// How many pages are brought at once.
    pub(crate) window: usize,
}

impl Snapshot {
    pub(crate) fn new(file: &File) -> Self {
        Self { file: MappedFile::new(file).unwrap(), removed: None, window: 1 }
    }
}

impl VmOperations for Snapshot {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        if self.removed.as_ref().is_some_and(|removed| removed.contains(at)) {
            return ctx.insert_zero_page();
        }
        let first = at.index() / self.window * self.window;
        for page in (first..first + self.window).map(PageOffset::new) {
            if let Some(frame) = self.file.frame(page) {
                ctx.prefault_mixed(page, frame);
            }
        }
        ctx.insert_mixed_with(|at| self.file.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}
