//! What a driver's test has left behind, whichever of its steps fails.

use vmctx::Errno;

use crate::{inject::Injection, machine::Machine, stats::Statistics};

/// What is left on a machine on which nothing should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("left behind: {frames} frames with {references} references, {page_tables} page tables")]
#[non_exhaustive]
pub struct Leaks {
    /// Frames of RAM with a reference.
    pub frames: usize,
    /// References to frames of RAM, all added up.
    pub references: usize,
    /// Page tables.
    pub page_tables: usize,
}

impl Leaks {
    pub(crate) fn of(statistics: &Statistics) -> Result<(), Self> {
        let &Statistics { frames_in_use: frames, references, page_tables_in_use: page_tables, .. } = statistics;
        if (frames, references, page_tables) == (0, 0, 0) {
            Ok(())
        } else {
            Err(Self { frames, references, page_tables })
        }
    }
}

/// With which step failed something was left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("with {injection} {leaks}")]
pub struct SweepError {
    /// The error that was ordered.
    pub injection: Injection,
    /// What was left.
    pub leaks: Leaks,
}

/// Runs a driver's test once with each step failed that can fail, one at a time: each allocation of a frame, of a page
/// table and of a VMA, and each insertion, with each errno that an insertion can have by itself. A run is on a machine
/// of its own, and has to leave nothing behind when it is over. The sweep of a sort of steps ends with the run in which
/// the error was not met any more. Gives back how many steps were failed.
///
/// What fails is for the test to bear: an ENOMEM from mmap, a SIGBUS. What must be so even then it asserts itself.
///
/// # Errors
/// The first step that has left something behind.
///
/// ```
/// use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile};
/// use vmctx_sim::{Machine, Map, Prot, Sim, sweep};
///
/// /// Makes pages when it is mapped.
/// struct Fresh(Machine);
///
/// impl MmapFile for Fresh {
///     type Platform = Sim;
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
///         let mut ctx = ctx.without_faults::<Mixed>()?;
///         while !ctx.is_full() {
///             ctx = ctx.insert_page(&self.0.alloc_page()?)?;
///         }
///         ctx.finish()
///     }
/// }
///
/// let swept = sweep(|machine| {
///     let file = machine.open(Fresh(machine.clone()));
///     let process = machine.process();
///     if let Ok(at) = process.mmap(&file, Map::shared(3 * 4096).prot(Prot::READ)) {
///         assert_eq!(process.thread().read_u8(at), Ok(0));
///     }
/// });
/// // Three frames, one page table, one VMA, and three insertions that fail in three ways.
/// assert_eq!(swept, Ok(14));
/// ```
pub fn sweep(mut run: impl FnMut(&Machine)) -> Result<usize, SweepError> {
    let sorts: [fn(usize) -> Injection; 6] = [
        |after| Injection::FrameAllocation { after },
        |after| Injection::PageTableAllocation { after },
        |after| Injection::VmaAllocation { after },
        |after| Injection::Insertion { after, errno: Errno::ENOMEM },
        |after| Injection::Insertion { after, errno: Errno::EBUSY },
        |after| Injection::Insertion { after, errno: Errno::EFAULT },
    ];
    let mut failed = 0;
    for sort in sorts {
        for injection in (0..).map(sort) {
            let machine = Machine::new();
            let injected = machine.inject(injection);
            run(&machine);
            machine.check_leaks().map_err(|leaks| SweepError { injection, leaks })?;
            if !injected.has_happened() {
                break;
            }
            failed += 1;
        }
    }
    Ok(failed)
}
