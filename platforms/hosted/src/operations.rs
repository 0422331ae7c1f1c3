//! The hooks of a driver behind a mapping, whose type only they know.

use std::{any::TypeId, mem::ManuallyDrop, ptr, sync::Arc};

use vmctx::{
    Errno, HugeSize, PageOffset, PageRange, Platform, VmOperations, entry,
    platform::{AccessBuffer, AccessedVma, FaultCode},
};

use crate::{
    hook::{self, Hook},
    shared::{AnyState, Ref},
};

/// By what a state is recognised, for as long as its allocation is there: its address and its type. By its address
/// alone it is not: a [`Ref`] cannot change its type, and this is what would notice if one could.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateId {
    /// Compared, and never followed.
    address: usize,
    type_id: TypeId,
}

impl StateId {
    /// Of this state.
    #[must_use]
    pub fn of(state: &AnyState) -> Self {
        Self { address: ptr::from_ref(state).addr(), type_id: state.type_id() }
    }

    /// Its address, to be compared.
    pub(crate) fn address(self) -> usize {
        self.address
    }

    /// Whether it is a `V`.
    #[must_use]
    pub fn is<V: 'static>(self) -> bool {
        self.type_id == TypeId::of::<V>()
    }
}

/// Which hooks a driver has, of those whose presence Linux looks at.
#[derive(Clone, Copy, Default)]
pub struct Registered {
    /// `vm_ops->open`
    pub open: bool,
    /// `vm_ops->close`
    pub close: bool,
    /// `vm_ops->may_split`
    pub may_split: bool,
    /// `vm_ops->page_mkwrite`
    pub page_mkwrite: bool,
    /// `vm_ops->pfn_mkwrite`
    pub pfn_mkwrite: bool,
    /// `vm_ops->huge_fault`
    pub huge_fault: bool,
    /// `vm_ops->map_pages`
    pub map_pages: bool,
    /// `vm_ops->access`
    pub access: bool,
    /// Whether first stores are told to one of them (`vm_ops_needs_writenotify`).
    pub told_of_stores: bool,
}

/// A call of a hook of the fault family, with what it is told beside the fault.
#[non_exhaustive]
pub enum FaultCall {
    /// `vm_ops->fault`
    Fault,
    /// `vm_ops->page_mkwrite`
    PageMkwrite,
    /// `vm_ops->pfn_mkwrite`
    PfnMkwrite,
    /// `vm_ops->huge_fault`, for a large entry of this size.
    HugeFault(HugeSize),
    /// `vm_ops->map_pages`, for these pages of the object.
    MapPages(PageRange),
}

impl FaultCall {
    /// The hook that is called.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Fault => Hook::Fault,
            Self::PageMkwrite => Hook::PageMkwrite,
            Self::PfnMkwrite => Hook::PfnMkwrite,
            Self::HugeFault(_) => Hook::HugeFault,
            Self::MapPages(_) => Hook::MapPages,
        }
    }
}

/// `vm_ops` and `vm_private_data` in one: a driver's state, whose type only its hooks know.
pub(crate) trait Operations<P: Platform>: Send + Sync {
    fn share(&self) -> Box<dyn Operations<P>>;
    fn state(&self) -> Arc<AnyState>;
    fn state_ref(&self) -> &AnyState;
    fn open(&self) -> Result<(), Errno>;
    fn close(&self);
    fn may_split(&self, at: PageOffset) -> Result<(), Errno>;
    fn registered(&self) -> Registered;
    fn hook(&self, call: FaultCall) -> Option<FaultHook<P>>;

    /// # Safety
    /// As [`entry::access`].
    #[expect(unsafe_code, reason = "the lock cannot be checked here")]
    unsafe fn access(&self, vma: &dyn AccessedVma, address: usize, buffer: AccessBuffer<'_>) -> Result<usize, Errno>;
}

/// A state with its type, which everybody else reaches through [`Operations`].
pub(crate) struct State<V>(pub(crate) Ref<V>);

impl<P: Platform<Ref<V> = Ref<V>>, V: VmOperations<Platform = P>> Operations<P> for State<V> {
    fn share(&self) -> Box<dyn Operations<P>> {
        Box::new(Self(self.0.clone()))
    }

    fn state(&self) -> Arc<AnyState> {
        Ref::any(&self.0)
    }

    fn state_ref(&self) -> &AnyState {
        &*self.0
    }

    fn open(&self) -> Result<(), Errno> {
        V::HOOKS.registered_open().map_or(Ok(()), |hook| hook(&self.0))
    }

    fn close(&self) {
        if let Some(hook) = V::HOOKS.registered_close() {
            hook(&self.0);
        }
    }

    fn may_split(&self, at: PageOffset) -> Result<(), Errno> {
        entry::may_split::<V>(&self.0, at)
    }

    fn registered(&self) -> Registered {
        Registered {
            open: V::HOOKS.registered_open().is_some(),
            close: V::HOOKS.registered_close().is_some(),
            may_split: V::HOOKS.registered_may_split().is_some(),
            page_mkwrite: V::HOOKS.registered_page_mkwrite().is_some(),
            pfn_mkwrite: V::HOOKS.registered_pfn_mkwrite().is_some(),
            huge_fault: V::HOOKS.registered_huge_fault().is_some(),
            map_pages: V::HOOKS.registered_map_pages().is_some(),
            access: V::HOOKS.registered_access().is_some(),
            told_of_stores: V::HOOKS.is_told_of_stores(),
        }
    }

    fn hook(&self, call: FaultCall) -> Option<FaultHook<P>> {
        let has = self.registered();
        let is_there = match call {
            FaultCall::Fault => true,
            FaultCall::PageMkwrite => has.page_mkwrite,
            FaultCall::PfnMkwrite => has.pfn_mkwrite,
            FaultCall::HugeFault(_) => has.huge_fault,
            FaultCall::MapPages(_) => has.map_pages,
        };
        if !is_there {
            return None;
        }
        // SAFETY: the copy is never dropped, so the count of references stays right; whoever runs the hook promises
        // that the VMA keeps its reference.
        #[expect(unsafe_code, reason = "the entry points want a bitwise copy of the VMA's reference")]
        let state = ManuallyDrop::new(unsafe { ptr::read(&raw const self.0) });
        let erased = Ref::into_raw(ManuallyDrop::into_inner(state)).cast::<()>();
        Some(FaultHook { call, state: erased, serve: serve::<P, V> })
    }

    #[expect(unsafe_code, reason = "the promises are the caller's")]
    unsafe fn access(&self, vma: &dyn AccessedVma, address: usize, buffer: AccessBuffer<'_>) -> Result<usize, Errno> {
        // SAFETY: by this function's contract.
        unsafe { entry::access::<V>(&self.0, vma, address, buffer) }
    }
}

/// Calls the hook of a state of type `V`.
///
/// # Safety
/// As [`FaultHook::run`], and `state` is of a `Ref<V>`.
#[expect(unsafe_code, reason = "the promises are the caller's")]
unsafe fn serve<P: Platform<Ref<V> = Ref<V>>, V: VmOperations<Platform = P>>(
    state: *const (),
    call: FaultCall,
    fault: P::Fault,
) -> FaultCode {
    // SAFETY: by this function's contract. The reference is the VMA's, and is not dropped.
    let state = ManuallyDrop::new(unsafe { Ref::from_raw(state.cast::<V>()) });
    // SAFETY: passed on from `FaultHook::run`, the only caller.
    unsafe {
        match call {
            FaultCall::Fault => entry::fault::<V>(&state, fault),
            FaultCall::PageMkwrite => entry::page_mkwrite::<V>(&state, fault),
            FaultCall::PfnMkwrite => entry::pfn_mkwrite::<V>(&state, fault),
            FaultCall::HugeFault(size) => entry::huge_fault::<V>(&state, fault, size),
            FaultCall::MapPages(window) => entry::map_pages::<V>(&state, fault, window),
        }
    }
}

/// A hook that serves a fault, ready to be called without a reference into the VMA: it may give up the lock that keeps
/// the VMA.
pub struct FaultHook<P: Platform> {
    call: FaultCall,
    state: *const (),
    serve: unsafe fn(*const (), FaultCall, P::Fault) -> FaultCode,
}

impl<P: Platform> FaultHook<P> {
    /// Calls it.
    ///
    /// # Safety
    /// `fault` is a fault of the VMA that the hook was taken from. It holds that VMA's mmap lock, for read, until it is
    /// released, and the lock has been held since the hook was taken.
    #[expect(unsafe_code, reason = "the lock cannot be checked here")]
    pub unsafe fn run(self, fault: P::Fault) -> FaultCode {
        let Self { call, state, serve } = self;
        // SAFETY: by this function's contract; the state and the function are of one type.
        hook::enter(call.hook(), || unsafe { serve(state, call, fault) })
    }
}
