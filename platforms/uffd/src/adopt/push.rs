//! What a driver inserts from outside hooks: it is copied into the peer at once, before anybody has asked for it.

use std::{ops::ControlFlow, thread};

use vmctx::Errno;

use super::{
    runs::{Run, Runs},
    target::{NotCopied, Page, Target},
    vma::EstablishedRegion,
};

/// How often a request is made again while the peer changes its mappings, which others read of.
const PATIENCE: usize = 10_000;

/// Pages on their way into a peer.
pub(crate) struct Pushed<'a> {
    target: &'a Target,
    runs: Runs,
}

impl<'a> Pushed<'a> {
    /// # Errors
    /// EFAULT for an address that is none of the mapping's.
    pub(crate) fn of(region: &'a EstablishedRegion, address: usize) -> Result<Self, Errno> {
        let vma = region.vma_at(address).ok_or(Errno::EFAULT)?;
        Ok(Self { target: &vma.table().target, runs: Runs::default() })
    }

    /// Copies one page.
    ///
    /// # Errors
    /// EBUSY where something is, and for what the peer has given back, which comes again by a fault only; EINVAL for a frame
    /// of nothing; EAGAIN while the peer changes its mappings, time after time; what the kernel refuses.
    pub(crate) fn push(mut self, add: impl FnOnce(&mut Runs) -> bool) -> Result<(), Errno> {
        if !add(&mut self.runs) {
            return Err(Errno::EINVAL);
        }
        self.copy().map_err(|(errno, _)| errno)
    }

    /// Copies all of these, which lie together from an address on.
    ///
    /// # Errors
    /// As [`push`](Self::push), and how many are in before the first that is not.
    pub(crate) fn push_pages(mut self, address: usize, pages: &[crate::Page]) -> Result<(), (Errno, usize)> {
        let mut at = address;
        for page in pages {
            if !self.runs.add_page(at, page) {
                return Err((Errno::EINVAL, 0));
            }
            at = at.saturating_add(crate::kernel::sys::PAGE_SIZE);
        }
        self.copy()
    }

    fn copy(&mut self) -> Result<(), (Errno, usize)> {
        let mut done = 0;
        for run in self.runs.joined() {
            let (mut at, mut patience) = (run.first.start, PATIENCE);
            while at < run.first.end {
                // Up to what the peer has given back.
                let end = self.target.first_removed(run, at).unwrap_or(run.first.end);
                if end == at {
                    return Err((Errno::EBUSY, done));
                }
                let part = Run { first: run.first.start..end, source: run.source };
                let (mut failed, before) = (None, at);
                let copied = self.target.copy(&part, &mut at, None, |pages, page| {
                    let errno = match page {
                        Page::Filled => {
                            done += pages.len() / crate::kernel::sys::PAGE_SIZE;
                            return ControlFlow::Continue(());
                        }
                        Page::Present => Errno::EBUSY,
                        Page::Failed(error) => error.errno(),
                    };
                    failed = Some(errno);
                    ControlFlow::Break(())
                });
                match (copied, failed) {
                    (_, Some(errno)) => return Err((errno, done)),
                    (Ok(()), None) if at < end => return Err((Errno::EFAULT, done)),
                    (Ok(()) | Err(NotCopied::Changed), None) => {}
                    (Err(NotCopied::Gone), None) => return Err((Errno::ESRCH, done)),
                    (Err(NotCopied::Busy), None) if patience == 0 => return Err((Errno::EAGAIN, done)),
                    (Err(NotCopied::Busy), None) => {
                        patience = if before == at { patience - 1 } else { PATIENCE };
                        thread::yield_now();
                    }
                }
            }
        }
        Ok(())
    }
}
