//! The token of the hook that is told of a first store to a frame: `pfn_mkwrite`.

use core::marker::PhantomData;

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::Frame,
    kind::HoldsMixed,
    page_lock::LockedPage,
    platform::Platform,
    shared_object::SharedObject,
    sleep::MaySleep,
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset, PageRange, UserAddr},
    wait::{RefaultReason, Ticket, Unmapped, Waited},
};

/// The token of `pfn_mkwrite`: a frame that was inserted by number is about to be written for the first time. There is
/// no page to lock. Else as [`PageMkwriteCtx`](crate::PageMkwriteCtx).
///
/// The frame is there already, also where the fault hook has inserted it for this very store: the entry is read-only,
/// and others may load from it. The fault hook has returned by then, and holds no lock of the driver's any more.
///
/// Registered with [`Hooks::pfn_mkwrite`](crate::Hooks::pfn_mkwrite).
///
/// ```
/// use vmctx::{Errno, PfnMap, PfnMkwriteCtx, Platform, VmFault};
///
/// fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>, is_frozen: bool) -> VmFault<'f> {
///     if is_frozen { ctx.fail(Errno::EROFS) } else { ctx.allow() }
/// }
/// ```
#[diagnostic::on_move(
    message = "this store's token is spent: it answers once, and nothing can be asked of it afterwards",
    label = "one token, and one answer",
    note = "ask before the answer: `let at = ctx.pgoff();`"
)]
#[must_use = "a store waits for the answer: `ctx.allow()`, or `ctx.fail(errno)`"]
pub struct PfnMkwriteCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with those of other hooks.
use self::PfnMkwriteCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");
include!("common/mkwrite_token.rs");

/// Answering.
impl<'f, P: Platform, M> PfnMkwriteCtx<'f, P, M> {
    /// Lets the store happen: the entry becomes writable, for this store and later ones.
    ///
    /// That happens after the hook has returned, if the entry is still the same then. A driver that records the store under a lock of its own, and drops the
    /// record when it unmaps the frame, may drop it in between. In a [`Mixed`](crate::Mixed) mapping
    /// [`insert_mixed_mkwrite`](Self::insert_mixed_mkwrite) makes the entry writable at once, under that lock.
    pub fn allow(self) -> VmFault<'f> {
        self.answer(FaultCode::NONE)
    }

    /// Makes the entry writable and dirty if it is of this frame (`vmf_insert_mixed_mkwrite`). If the entry has
    /// gone by now, or another frame is there, nothing is inserted and the access repeated.
    #[track_caller]
    pub fn insert_mixed_mkwrite(self, frame: Frame<'f, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = self.frame().insert_mixed_mkwrite(frame);
        self.answer(code)
    }
}

// What it refuses, with what to write instead.
include!("refused/mkwrite.rs");
include!("refused/pfn_mkwrite.rs");

// What it has in C under another name.
include!("common/c_names.rs");
