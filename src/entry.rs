//! The entry points: what a platform's own hooks call, so that drivers are called rightly.
//!
//! They make the tokens, and nothing else does. What must not be left to drivers is done here and in the tokens: the
//! bounds of the range, the VMA flags of the kind, the copy-on-write refusal, the pin while a lock is given up,
//! taking the pages away before the state is dropped.

use core::{
    cell::Cell,
    mem::{ManuallyDrop, drop},
};

use crate::{
    Errno, MmapCtx, MmapFile, Platform, VmOperations,
    fault::{FaultFrame, Pin},
    platform::FaultCode,
};

/// The platform of a mapping's operations.
type Of<V> = <V as VmOperations>::Platform;

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
