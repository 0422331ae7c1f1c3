//! What became of a fault-around insertion.

use crate::flags::FaultCode;

/// What became of a fault-around insertion (`FaultCtx::prefault_*`).
///
/// It can be ignored: a prefault is a favour. It does not answer the fault, and holds no errno from which an answer
/// could be made ([G11](crate::guide::guarantees#g11)).
///
/// ```
/// use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};
///
/// /// Fills neighbours until one of them is refused, and then answers.
/// fn fault<'f, P: Platform>(
///     mut ctx: FaultCtx<'f, P, Mixed>,
///     page: &P::Page,
///     next: &[(PageOffset, P::Page)],
/// ) -> VmFault<'f> {
///     for (at, page) in next {
///         if !ctx.prefault_page(*at, page).is_present() {
///             break;
///         }
///     }
///     ctx.insert_page(page)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefault {
    /// It is in.
    Inserted,
    /// The slot had an entry already, which was left alone.
    AlreadyPresent,
    /// The mapping has no slot for this page of the object. Nothing was done.
    OutsideMapping,
    /// This is the slot of the fault itself, which the answer fills. Nothing was done.
    TheFaultItself,
    /// No memory for a page table. Nothing was done; going on is hardly worth it.
    OutOfMemory,
    /// The platform does not allow this page to be mapped here. Nothing was done.
    Refused,
}

impl Prefault {
    pub(crate) const fn from_code(code: FaultCode) -> Self {
        if code.contains(FaultCode::ALREADY_PRESENT) {
            Self::AlreadyPresent
        } else if code.contains(FaultCode::OOM) {
            Self::OutOfMemory
        } else if code.intersects(FaultCode::ERROR) {
            Self::Refused
        } else {
            Self::Inserted
        }
    }

    /// Whether the slot has an entry now.
    #[must_use]
    pub const fn is_present(self) -> bool {
        matches!(self, Self::Inserted | Self::AlreadyPresent)
    }
}
