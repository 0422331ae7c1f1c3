//! The driver: what each page of a microVM is.

use vmctx::{Errno, FaultCtx, FrameSource as _, Mixed, PageOffset, VmFault, VmOperations};
use vmctx_uffd::{Adopted, MappedFile, Regions, Removed};

/// The memory of a microVM as it was saved, and what its balloon has taken since it was restored.
pub struct Snapshot {
    memory: MappedFile,
    removed: Removed,
    /// How many pages come at once.
    window: usize,
}

impl Snapshot {
    /// What restores these regions from a memory file.
    ///
    /// # Errors
    /// If the file is too short for them.
    pub fn new(memory: MappedFile, regions: &Regions, window: usize) -> Result<Self, String> {
        if memory.count().get() < regions.end().index() {
            return Err(format!("{memory:?} is too short: the regions end at page {}", regions.end()));
        }
        Ok(Self { memory, removed: regions.removed(), window })
    }
}

impl VmOperations for Snapshot {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        if self.removed.contains(at) {
            return ctx.insert_zero_page();
        }
        let first = at.index() / self.window * self.window;
        for page in (first..first + self.window).map(PageOffset::new) {
            if let Some(frame) = self.memory.frame(page) {
                ctx.prefault_mixed(page, frame);
            }
        }
        ctx.insert_mixed_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}
