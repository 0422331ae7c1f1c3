//! The token of the hook that is told of a first store to a frame: `pfn_mkwrite`.

use core::{marker::PhantomData, ops::Range};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::Frame,
    kind::HoldsMixed,
    page_lock::LockedPage,
    platform::Platform,
    sleep::MaySleep,
    token::{Held, Invariant},
    units::{PageOffset, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};

/// The token of `pfn_mkwrite`: a frame that was inserted by number is about to be written for the first time. There is
/// no page to lock. Else as [`PageMkwriteCtx`](crate::PageMkwriteCtx).
///
/// Registered with [`Hooks::pfn_mkwrite`](crate::Hooks::pfn_mkwrite).
#[must_use = "a store waits for the answer: `ctx.allow()`, or `ctx.fail(errno)`"]
pub struct PfnMkwriteCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut PfnMkwriteCtx<'static, P, M>>,
}

use self::PfnMkwriteCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");

/// Answering.
impl<'f, P: Platform, M> PfnMkwriteCtx<'f, P, M> {
    /// The store may happen: the entry becomes writable, for this and for later stores.
    ///
    /// That is after the hook has returned: a driver that notes the store under a lock of its own, and forgets the note
    /// when it unmaps the frame, may forget it in between. In a [`Mixed`](crate::Mixed) mapping
    /// [`insert_mixed_mkwrite`](Self::insert_mixed_mkwrite) makes it writable here and now, under that lock.
    pub fn allow(self) -> VmFault<'f> {
        self.answer(FaultCode::NONE)
    }

    /// Makes the entry writable and dirty if it is of this frame (`vmf_insert_mixed_mkwrite`); if it is another one
    /// meanwhile, it is left alone, and the access repeated.
    pub fn insert_mixed_mkwrite(self, frame: Frame<'_, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = self.frame().insert_mixed_mkwrite(frame);
        self.answer(code)
    }
}

include!("refused/mkwrite.rs");
include!("refused/pfn_mkwrite.rs");
