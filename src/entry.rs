//! The entry points: what a platform's own hooks call, so that drivers are called rightly.
//!
//! They make the tokens, and nothing else does. What must not be left to drivers is done here and in the tokens: they
//! check the bounds of the range, set the VMA flags of the kind, refuse copy-on-write mappings of frames, keep the
//! state while a fault has given up its lock, and take the pages away before the state is dropped.

use core::{cell::Cell, mem::drop};

pub use crate::{description::Description, prepare::Action, prepare_hook::Described};

use crate::{
    access::bytes_of,
    accessed::{AccessBuffer, AccessedVma},
    answer::VmFault,
    errno::Errno,
    fault_frame::{FaultFrame, Pin},
    file::MmapFile,
    flags::{FaultCode, VmFlags},
    mmap::MmapCtx,
    ops::VmOperations,
    platform::Platform,
    prepare_hook::PrepareHook,
    sleep::MaySleep,
    units::{HugeSize, PageOffset, PageRange},
    unlocked::UnlockedCtx,
};

/// The platform of a mapping's operations.
type Of<V> = <V as VmOperations>::Platform;

/// The shared ownership of a mapping's state.
type StateOf<V> = <Of<V> as Platform>::Ref<V>;

/// A fault that is being served.
type FaultOf<V> = <Of<V> as Platform>::Fault;

/// The right to sleep outside hooks, for example while a device is opened or a module is loaded.
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
/// says. The platform then takes away what was inserted; after that, if a state was established, it calls the
/// [close hook](crate::Hooks::registered_close) and drops the state. It does the same where the driver's hook has
/// panicked, and where the mmap fails later.
///
/// # Safety
/// `vma` is a VMA that is being made for a mapping of `file`, and its mmap lock is held for write until this returns.
#[expect(unsafe_code, reason = "constructs the mmap token")]
pub unsafe fn mmap<F: MmapFile + ?Sized>(file: &F, vma: &mut <F::Platform as Platform>::Vma) -> Result<(), Errno> {
    MmapCtx::begin(vma).and_then(|ctx| file.mmap(ctx)).map(drop)
}

/// Has a file describe one mapping: what `f_op->mmap_prepare` calls, where a platform has such a hook. The VMA is made
/// as is [described](Described::description), unless anything goes wrong, of which nobody is told. Then
/// [`fill`] and [`mapped`] follow.
///
/// # Errors
/// What the driver says.
///
/// # Safety
/// `wanted` is asked for of the file whose hook this is, in an address space whose mmap lock is held for write until
/// this returns.
#[expect(unsafe_code, reason = "constructs the prepare hook's token")]
pub unsafe fn mmap_prepare<'f, P: Platform>(
    hook: &PrepareHook<'f, P>,
    wanted: Description,
) -> Result<Described<'f, P>, Errno> {
    hook.describe(wanted)
}

/// Does to a VMA what a prepare hook has named to be done (`mmap_action_complete`).
///
/// # Errors
/// As [`Platform::vm_insert_pages`] and [`Platform::remap_pfn_range`]. The platform then unmaps the VMA, which has no
/// state, and calls no hook.
///
/// # Safety
/// `vma` is as is described, of a mapping of the file that has described it; nothing is mapped there, and its mmap lock
/// is held for write until this returns.
#[expect(unsafe_code, reason = "the frames and pages are those of the VMA's file")]
#[track_caller]
pub unsafe fn fill<P: Platform>(described: &Described<'_, P>, vma: &mut P::Vma) -> Result<(), Errno> {
    described.fill(vma)
}

/// Has a file make the state of a mapping which it has described: what `vm_ops->mapped` calls. The VMA gets the state by
/// [`Platform::establish`].
///
/// # Errors
/// What the driver says, and as [`Platform::establish`]. The platform then unmaps the VMA, which has no state, and calls
/// no hook.
///
/// # Safety
/// `vma` is a mapping of the file whose hook this is, as it was described with `shown`, and filled. It has no state, and
/// its mmap lock is held for write until this returns.
#[expect(unsafe_code, reason = "constructs the right to sleep")]
pub unsafe fn mapped<P: Platform>(hook: &PrepareHook<'_, P>, shown: PageRange, vma: &mut P::Vma) -> Result<(), Errno> {
    hook.mapped(shown, vma)
}

/// Serves one fault of a mapping: what `vm_ops->fault` calls.
///
/// The code that comes back obeys Linux's rules for `vm_fault_t`.
///
/// `state` is borrowed from anywhere but the VMA, which may go once the hook gives up the lock. A platform that knows
/// the state by a raw pointer makes a reference of it and leaves it to the VMA to drop
/// ([`ManuallyDrop`](core::mem::ManuallyDrop)).
///
/// # Safety
/// `fault` is a fault that is being served for a mapping which was established with `state`. Its lock is held for
/// read until this returns, or until [`Platform::release`] is called for it; until then the VMA keeps its reference
/// to the state.
#[expect(unsafe_code, reason = "constructs the fault token")]
pub unsafe fn fault<V: VmOperations>(state: &StateOf<V>, fault: FaultOf<V>) -> FaultCode {
    let prepare =
        |frame: &mut FaultFrame<'_, Of<V>>| frame.told_of_stores = V::HOOKS.registered_page_mkwrite().is_some();
    serve::<V>(state, fault, prepare, |state, frame| Some(state.fault(crate::fault::token(frame))))
}

/// Serves a first store to a page: what `vm_ops->page_mkwrite` calls. [`FaultCode::LOCKED`] lets it happen.
///
/// Also called in the fault of a store to a missing page of a shared mapping, when [`fault`] has handed one back, and
/// before it is mapped (`do_shared_fault`). On an error or [`FaultCode::NOPAGE`] that page is put, and not mapped.
///
/// # Safety
/// As [`fault`].
#[expect(unsafe_code, reason = "constructs the hook's token")]
pub unsafe fn page_mkwrite<V: VmOperations>(state: &StateOf<V>, fault: FaultOf<V>) -> FaultCode {
    let hook = V::HOOKS.registered_page_mkwrite();
    serve::<V>(state, fault, |_| (), |state, frame| Some(hook?(state, crate::page_mkwrite::token(frame))))
}

/// Serves a first store to a frame: what `vm_ops->pfn_mkwrite` calls. [`FaultCode::NONE`] lets it happen.
///
/// To be called in the fault of a store to a shared mapping, too, when [`fault`] has inserted, if the entry at the
/// fault's address is then of a frame without a counted page, and not writable. Where that is left out, drivers are
/// told in a second fault.
///
/// # Safety
/// As [`fault`].
#[expect(unsafe_code, reason = "constructs the hook's token")]
pub unsafe fn pfn_mkwrite<V: VmOperations>(state: &StateOf<V>, fault: FaultOf<V>) -> FaultCode {
    let hook = V::HOOKS.registered_pfn_mkwrite();
    serve::<V>(state, fault, |_| (), |state, frame| Some(hook?(state, crate::pfn_mkwrite::token(frame))))
}

/// Serves a fault for which a large entry could be made: what `vm_ops->huge_fault` calls.
///
/// # Safety
/// As [`fault`].
#[expect(unsafe_code, reason = "constructs the hook's token")]
pub unsafe fn huge_fault<V: VmOperations>(state: &StateOf<V>, fault: FaultOf<V>, size: HugeSize) -> FaultCode {
    let hook = V::HOOKS.registered_huge_fault();
    let prepare = |frame: &mut FaultFrame<'_, Of<V>>| {
        frame.huge = size;
        frame.told_of_stores = V::HOOKS.is_told_of_stores();
    };
    serve::<V>(state, fault, prepare, |state, frame| Some(hook?(state, crate::huge::token(frame))))
}

/// Maps what is at hand of the page offsets in `window`: what `vm_ops->map_pages` calls. [`FaultCode::NONE`] means that
/// the fault hook is to be called.
///
/// # Safety
/// As [`fault`].
#[expect(unsafe_code, reason = "constructs the hook's token")]
pub unsafe fn map_pages<V: VmOperations>(state: &StateOf<V>, fault: FaultOf<V>, window: PageRange) -> FaultCode {
    let hook = V::HOOKS.registered_map_pages();
    let prepare = |frame: &mut FaultFrame<'_, Of<V>>| {
        frame.window = PageRange::new(window.start.counted_from(frame.base), window.end.counted_from(frame.base));
    };
    serve::<V>(state, fault, prepare, |state, frame| Some(hook?(state, crate::map_pages::token(frame))))
}

/// Serves a debugger's access: what `vm_ops->access` calls. Gives back how many of the first bytes of `buffer` were
/// copied; the caller asks again for the rest, as `__access_remote_vm` does, and stops after an error or zero bytes.
///
/// `address` is the first byte's. What is asked for may reach past the mapping, and need not be allowed: Linux checks
/// neither. The hook is asked for what lies in the first page, and in the mapping
/// ([G19](crate::guide::guarantees#g19)). Zero without a hook.
///
/// # Errors
/// EFAULT for an address outside the mapping, a store where `VM_WRITE` is not set or the mapping is private, and a load
/// where not even mprotect could allow one; else what the driver says. Where the hook is not asked nothing is touched.
///
/// # Safety
/// `vma` is of a mapping that was established with `state`, and its mmap lock is held for read until this returns.
#[expect(unsafe_code, reason = "constructs the hook's token")]
pub unsafe fn access<V: VmOperations>(
    state: &V,
    vma: &dyn AccessedVma,
    address: usize,
    mut buffer: AccessBuffer<'_>,
) -> Result<usize, Errno> {
    let (range, flags) = (vma.range(), vma.flags());
    let Some(hook) = V::HOOKS.registered_access().filter(|_| !buffer.is_empty()) else { return Ok(0) };
    // A private copy is the user's own, and no driver can store to it: `generic_access_phys` finds no writable entry.
    let needed = if buffer.is_write() { VmFlags::WRITE | VmFlags::SHARED } else { VmFlags::MAYREAD };
    if !range.contains(&address) || !flags.contains(needed) {
        return Err(Errno::EFAULT);
    }
    // A mapping ends with a page, so what lies in this one lies in the mapping.
    let len = Of::<V>::PAGE_SIZE - address % Of::<V>::PAGE_SIZE;
    let base = V::HOOKS.base(state);
    hook(state, crate::access::token(vma, address, base, buffer.reborrow().split_at(len).0)).map(bytes_of)
}

/// Asks whether a mapping may be cut in two: what `vm_ops->may_split` calls. `at` is the page offset of the cut, counted
/// from the start of the file.
///
/// # Errors
/// What the driver refuses the cut with.
pub fn may_split<V: VmOperations>(state: &V, at: PageOffset) -> Result<(), Errno> {
    let Some(hook) = V::HOOKS.registered_may_split() else { return Ok(()) };
    hook(state, at.counted_from(V::HOOKS.base(state)))
}

/// Has a hook of the fault family answer. One that is not registered answers nothing, and the access gets a SIGBUS.
fn serve<V: VmOperations>(
    state: &StateOf<V>,
    fault: FaultOf<V>,
    prepare: impl FnOnce(&mut FaultFrame<'_, Of<V>>),
    hook: impl for<'f> FnOnce(&'f V, &'f FaultFrame<'f, Of<V>>) -> Option<VmFault<'f>>,
) -> FaultCode {
    let pin = Pinnable::<V> { state, pinned: Cell::new(None) };
    let mut frame = FaultFrame::new(fault, &pin);
    if let Some(object) = V::HOOKS.named(state) {
        frame.names_object = true;
        frame.base = object.base();
    }
    prepare(&mut frame);
    match hook(state, &frame) {
        Some(answer) => frame.conclude(answer),
        None => FaultCode::SIGBUS,
    }
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

/// A mapping's state as the VMA shares it, and a place for a reference of the hook's own, which it takes before it
/// gives up the lock.
struct Pinnable<'s, V: VmOperations> {
    state: &'s StateOf<V>,
    pinned: Cell<Option<StateOf<V>>>,
}

impl<V: VmOperations> Pin for Pinnable<'_, V> {
    fn pin(&self) {
        self.pinned.set(Some(self.state.clone()));
    }
}
