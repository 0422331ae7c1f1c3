//! The token of `map_pages`.

use core::marker::PhantomData;

use crate::{
    answer::VmFault,
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::Frame,
    kind::{HoldsMixed, HoldsPages},
    platform::Platform,
    prefault::Prefault,
    token::{Held, Invariant, OneThread},
    units::{PageOffset, PageRange, UserAddr},
};

/// The token of `map_pages`: a load has met no page, and the pages around it that are at hand can be mapped without
/// sleeping.
///
/// Locks: RCU. **Must not sleep**: whatever sleeps takes a [`MaySleep`](crate::MaySleep), and this context gives none
/// ([G15](crate::guide::guarantees#g15)). A page that is not at hand is left out, and the `fault` hook brings it when
/// it is touched.
///
/// Every slot of the mapping can be filled, the fault's own included, and each insertion says what became of it.
/// [`finish`](Self::finish) answers: the load is repeated if its own slot is filled, else the `fault` hook is called.
///
/// Registered with [`Hooks::map_pages`](crate::Hooks::map_pages). Where it is, faults run under the VMA lock.
///
/// ```
/// use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};
///
/// fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
///     for at in ctx.wanted() {
///         if let Some(page) = at.of(pages) {
///             ctx.prefault_page(at, page);
///         }
///     }
///     ctx.finish()
/// }
/// ```
#[diagnostic::on_move(
    message = "this fault's token is spent: it answers once, and nothing can be inserted with it afterwards",
    label = "one token, and one answer",
    note = "insert first, `ctx.prefault_page(at, &page)`, and answer last: `ctx.finish()`"
)]
#[must_use = "`map_pages` ends with `ctx.finish()`"]
pub struct MapPagesCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with those of other hooks.
use self::MapPagesCtx as Token;
include!("common/fault_token.rs");

/// Filling slots.
impl<'f, P: Platform, M> MapPagesCtx<'f, P, M> {
    /// The part of the object that the core would like to have mapped. It lies around the fault and inside the mapping.
    #[doc(alias("start_pgoff", "end_pgoff"))]
    #[must_use]
    pub fn wanted(&self) -> PageRange {
        self.frame.0.window
    }

    /// Inserts a page at a slot of the mapping, if that is possible without sleeping. A slot that would need a page
    /// table stays empty ([`Prefault::OutOfMemory`]).
    ///
    /// There is none for many pages at once, because Linux's `vm_insert_pages` allocates page tables, and may sleep.
    #[doc(alias = "set_pte_range")]
    #[track_caller]
    pub fn prefault_page(&mut self, at: PageOffset, page: &P::Page) -> Prefault
    where
        M: HoldsPages,
    {
        match self.frame.0.slot(at) {
            Ok(address) => self.became(at, P::vmf_map_page(self.fault(), address, page)),
            Err(nothing) => nothing,
        }
    }

    /// Inserts a frame that may have a page behind it. As [`prefault_page`](Self::prefault_page).
    #[track_caller]
    pub fn prefault_mixed(&mut self, at: PageOffset, frame: Frame<'f, P>) -> Prefault
    where
        M: HoldsMixed,
    {
        match self.frame.0.slot(at) {
            Ok(address) => self.became(at, P::vmf_map_mixed(self.fault(), address, frame.pfn())),
            Err(nothing) => nothing,
        }
    }

    /// Answers: the load is repeated if its slot was filled here (`VM_FAULT_NOPAGE`), else the `fault` hook is called.
    pub fn finish(self) -> VmFault<'f> {
        let code = if self.frame.0.filled.get() { FaultCode::NOPAGE } else { FaultCode::NONE };
        self.answer(code)
    }

    /// What has become of the slot of this offset, by the code of its insertion.
    fn became(&mut self, at: PageOffset, code: FaultCode) -> Prefault {
        let became = Prefault::from_code(code);
        if at == self.pgoff() && became.is_present() {
            self.frame.0.filled.set(true);
        }
        became
    }
}

// What it refuses, with what to write instead.
include!("refused/map_pages.rs");

// What it has in C under another name.
include!("common/c_names.rs");
