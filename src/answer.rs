//! The answer to a fault.

use core::marker::PhantomData;

use crate::{flags::FaultCode, token::Invariant};

/// How many bits of [`Platform::fault_serial`](crate::Platform::fault_serial) an answer carries.
pub const SERIAL_BITS: u32 = 11;

// An answer is a `FaultCode` in its low bits, and above it the serial number of the fault.
const SERIAL_SHIFT: u32 = u32::BITS - SERIAL_BITS;
const CODE_MASK: u32 = (1 << SERIAL_SHIFT) - 1;

/// The answer to one fault (`vm_fault_t`). Only that fault's token turns into one.
///
/// It cannot be made from an [`Errno`](crate::Errno) or a number, nothing can be made of it (no `Result`, no errno, no
/// bits), and it cannot be kept for another fault. What can be asked of it is
/// [`already_present`](Self::already_present) and [`is_error`](Self::is_error).
///
/// ```
/// use vmctx::{FaultCtx, Mixed, Platform, VmFault};
///
/// /// It is made by spending the token. What it is can be asked; what it says to the kernel cannot be changed.
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, count: impl FnOnce()) -> VmFault<'f> {
///     let answer = ctx.insert_page(page);
///     if answer.already_present() {
///         count();
///     }
///     answer
/// }
/// ```
#[diagnostic::on_type_error(
    note = "a `VmFault` is what an operation of the fault's token has answered: return it as it is, without `Ok`, and match nothing in it",
    note = "of an errno: `ctx.fail(errno)`; where something before the insertion can fail: `ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))`",
    note = "neighbours are a favour and no answer: `ctx.prefault_page(at, &page);`, and then `ctx.insert_page(&page)`"
)]
#[doc(alias = "vm_fault_t")]
#[must_use = "return it from the fault hook: it is the fault's answer"]
pub struct VmFault<'f> {
    bits: u32,
    brand: Invariant<'f>,
}

impl VmFault<'_> {
    /// Whether an entry was in place already, so that nothing was inserted: another thread was faster.
    ///
    /// For the fault that is a success: the access is repeated and finds the entry (linux-mm, April 2018). A driver
    /// asks if it has something to undo, such as a block that it allocated for this insertion alone. `true` is certain.
    /// For frames it can be `false` although there was an entry, because some kernels do not tell.
    #[must_use]
    pub const fn already_present(&self) -> bool {
        FaultCode::from_bits(self.bits).contains(FaultCode::ALREADY_PRESENT)
    }

    /// Whether the access fails: the user gets a signal, or the OOM killer acts.
    #[doc(alias = "VM_FAULT_ERROR")]
    #[must_use]
    pub const fn is_error(&self) -> bool {
        FaultCode::from_bits(self.bits).intersects(FaultCode::ERROR)
    }
}

/// The answer to the fault with this serial number. Not an associated function of [`VmFault`], which rustc would
/// suggest to whoever tries a literal.
pub(crate) const fn answer<'f>(code: FaultCode, serial: u32) -> VmFault<'f> {
    VmFault { bits: code.bits() | serial << SERIAL_SHIFT, brand: PhantomData }
}

/// The code of an answer, or `None` if it is not the answer to the fault with this serial number.
pub(crate) const fn code_of(answer: VmFault<'_>, serial: u32) -> Option<FaultCode> {
    if answer.bits & !CODE_MASK == serial << SERIAL_SHIFT {
        Some(FaultCode::from_bits(answer.bits & CODE_MASK))
    } else {
        None
    }
}

// What it refuses, with what to write instead.
include!("refused/answer.rs");
