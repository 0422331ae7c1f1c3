//! The entry points: what a platform's own hooks call, so that drivers are called rightly.
//!
//! They make the tokens, and nothing else does. What must not be left to drivers is done here and in the tokens: the
//! bounds of the range, the VMA flags of the kind, the copy-on-write refusal, the pin while a lock is given up,
//! taking the pages away before the state is dropped.

use core::{
    cell::Cell,
    mem::{ManuallyDrop, drop},
    ops::Range,
};

use crate::{
    errno::Errno,
    fault_frame::{FaultFrame, Pin},
    file::MmapFile,
    flags::FaultCode,
    mmap::MmapCtx,
    ops::VmOperations,
    platform::Platform,
    sleep::MaySleep,
    units::{HugeSize, PageOffset},
    unlocked::UnlockedCtx,
};

/// The platform of a mapping's operations.
type Of<V> = <V as VmOperations>::Platform;

/// The right to sleep outside hooks: for who opens a device, or loads a module.
///
/// # Safety
/// The caller may sleep for as long as `'a`.
#[expect(unsafe_code, reason = "the context cannot be checked")]
#[must_use]
pub const unsafe fn may_sleep<'a>() -> MaySleep<'a> {
    crate::sleep::may_sleep()
}

/// Serves one mmap of `file`: what `f_op->mmap` calls.
///
/// # Errors
/// EINVAL for an empty or unaligned range, EOVERFLOW if the last page offset cannot be counted, else what the driver
/// says. On an error everything that was inserted is gone and the state is dropped.
///
/// # Safety
/// `vma` is a VMA that is being made for a mapping of `file`, and its mmap lock is held for write until this returns.
#[expect(unsafe_code, reason = "constructs the mmap token")]
pub unsafe fn mmap<F: MmapFile + ?Sized>(file: &F, vma: &mut <F::Platform as Platform>::Vma) -> Result<(), Errno> {
    let mapped = MmapCtx::begin(&mut *vma).and_then(|ctx| file.mmap(ctx)).map(drop);
    if mapped.is_err() {
        F::Platform::abandon(vma);
    }
    mapped
}

/// Serves one fault of a mapping: what `vm_ops->fault` calls.
///
/// `state` is a bitwise copy of the reference that the VMA holds, and is not dropped: a reference **into** the VMA
/// would dangle once the hook gives up the lock. The code that comes back obeys Linux's rules for `vm_fault_t`.
///
/// # Safety
/// `fault` is a fault that is being served for a mapping which was established with `state`. Its lock is held for
/// read until this returns, or until [`Platform::release`] is called for it; until then the VMA keeps its reference
/// to the state.
#[expect(unsafe_code, reason = "constructs the fault token")]
pub unsafe fn fault<V: VmOperations>(
    state: ManuallyDrop<<Of<V> as Platform>::Ref<V>>,
    fault: <Of<V> as Platform>::Fault,
) -> FaultCode {
    let state = Pinnable::<V> { state, pinned: Cell::new(None) };
    let frame = FaultFrame::new(fault, &state);
    let answer = V::fault(&state.state, frame.token());
    frame.conclude(answer)
}

/// Serves one hook of the fault family that is optional: the registered one, or nobody.
macro_rules! optional_hook {
    ($(#[$doc:meta])* $name:ident, $registered:ident, |$frame:ident $(, $extra:ident: $type:ty)*| $prepare:block) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// As [`fault`].
        #[expect(unsafe_code, reason = "constructs the hook's token")]
        pub unsafe fn $name<V: VmOperations>(
            state: ManuallyDrop<<Of<V> as Platform>::Ref<V>>,
            fault: <Of<V> as Platform>::Fault,
            $($extra: $type,)*
        ) -> FaultCode {
            let state = Pinnable::<V> { state, pinned: Cell::new(None) };
            #[allow(unused_mut, reason = "some hooks have nothing to prepare")]
            let mut $frame = FaultFrame::new(fault, &state);
            $prepare
            match V::HOOKS.$registered() {
                Some(hook) => $frame.conclude(hook(&state.state, $frame.$name())),
                None => FaultCode::SIGBUS,
            }
        }
    };
}

optional_hook! {
    /// Serves a first store to a page: what `vm_ops->page_mkwrite` calls. [`FaultCode::LOCKED`] lets it happen.
    page_mkwrite, registered_page_mkwrite, |frame| {}
}

optional_hook! {
    /// Serves a first store to a frame: what `vm_ops->pfn_mkwrite` calls. [`FaultCode::NONE`] lets it happen.
    pfn_mkwrite, registered_pfn_mkwrite, |frame| {}
}

optional_hook! {
    /// Serves a fault for which a large entry could be made: what `vm_ops->huge_fault` calls.
    huge_fault, registered_huge_fault, |frame, size: HugeSize| {
        frame.huge = size;
        frame.told_of_stores = V::HOOKS.is_told_of_stores();
    }
}

optional_hook! {
    /// Maps what is at hand in `window`: what `vm_ops->map_pages` calls. [`FaultCode::NONE`] has the fault hook called.
    map_pages, registered_map_pages, |frame, window: Range<PageOffset>| { frame.window = window; }
}

/// Runs what needs an [`UnlockedCtx`]: an ioctl, the removal of a device.
///
/// # Safety
/// This thread holds no mmap lock, runs no hook of a driver's, and may sleep, until this returns. `caller` is for this
/// thread.
#[expect(unsafe_code, reason = "constructs the token")]
pub unsafe fn unlocked<P: Platform, R>(caller: P::Caller, run: impl for<'u> FnOnce(&mut UnlockedCtx<'u, P>) -> R) -> R {
    run(&mut crate::unlocked::unlocked(caller))
}

/// A mapping's state as the VMA shares it, and a place for a reference of the hook's own.
struct Pinnable<V: VmOperations> {
    state: ManuallyDrop<<Of<V> as Platform>::Ref<V>>,
    pinned: Cell<Option<<Of<V> as Platform>::Ref<V>>>,
}

impl<V: VmOperations> Pin for Pinnable<V> {
    fn pin(&self) {
        self.pinned.set(Some(<Of<V> as Platform>::Ref::clone(&self.state)));
    }
}
