//! Loads and stores that may end in a signal, and say which and where.

use std::{arch::global_asm, cell::Cell, ffi::c_int, io, mem, ptr};

use vmctx::UserAddr;
use vmctx_conformance::user::Trap;

// A copy whose every access has a way out: the handler below goes on at `vmctx_probe_out`.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl vmctx_probe_copy",
    "vmctx_probe_copy:",
    "mov rcx, rdx",
    "xor eax, eax",
    "vmctx_probe_in:",
    "rep movsb",
    "vmctx_probe_end:",
    "ret",
    "vmctx_probe_out:",
    "mov eax, 1",
    "ret",
    ".globl vmctx_probe_in",
    ".globl vmctx_probe_end",
    ".globl vmctx_probe_out",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl vmctx_probe_copy",
    "vmctx_probe_copy:",
    "cbz x2, vmctx_probe_end",
    "vmctx_probe_in:",
    "ldrb w3, [x1], #1",
    "strb w3, [x0], #1",
    "subs x2, x2, #1",
    "b.ne vmctx_probe_in",
    "vmctx_probe_end:",
    "mov w0, #0",
    "ret",
    "vmctx_probe_out:",
    "mov w0, #1",
    "ret",
    ".globl vmctx_probe_in",
    ".globl vmctx_probe_end",
    ".globl vmctx_probe_out",
);

unsafe extern "C" {
    fn vmctx_probe_copy(to: *mut u8, from: *const u8, len: usize) -> c_int;
    fn vmctx_probe_in();
    fn vmctx_probe_end();
    fn vmctx_probe_out();
}

thread_local! {
    /// The last signal of this thread's: its number and address.
    static TRAPPED: Cell<(c_int, usize)> = const { Cell::new((0, 0)) };
}

fn address_of(label: unsafe extern "C" fn()) -> usize {
    label as *const () as usize
}

/// Where the thread goes on when its handler returns.
#[cfg(target_arch = "x86_64")]
fn next_instruction(context: &mut libc::ucontext_t) -> &mut i64 {
    &mut context.uc_mcontext.gregs[libc::REG_RIP as usize]
}

#[cfg(target_arch = "aarch64")]
fn next_instruction(context: &mut libc::ucontext_t) -> &mut u64 {
    &mut context.uc_mcontext.pc
}

extern "C" fn handler(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel has handed both over with SA_SIGINFO.
    let (address, next) =
        unsafe { ((*info).si_addr() as usize, next_instruction(&mut *context.cast::<libc::ucontext_t>())) };
    let at = *next as usize;
    if at >= address_of(vmctx_probe_in) && at < address_of(vmctx_probe_end) {
        TRAPPED.set((signal, address));
        *next = address_of(vmctx_probe_out) as _;
    } else {
        // Not an access of `copy`: it is repeated, and ends as it would have without this handler.
        // SAFETY: `SIG_DFL` is a disposition.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// From now on [`copy`] survives SIGBUS and SIGSEGV.
pub(crate) fn catch() -> io::Result<()> {
    for signal in [libc::SIGBUS, libc::SIGSEGV] {
        // SAFETY: an all-zero `sigaction` is one, and the handler has SA_SIGINFO's signature.
        let done = unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(signal, &action, ptr::null_mut())
        };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Copies bytes between this program's memory and a mapping. The error is the signal that has ended it.
///
/// # Safety
/// One side is `len` bytes of this program's own; the other is in a mapping of a device's, or in none.
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> Result<(), Trap> {
    // SAFETY: by this function's contract nothing of the program's own is harmed.
    if unsafe { vmctx_probe_copy(to, from, len) } == 0 {
        return Ok(());
    }
    let (signal, address) = TRAPPED.get();
    let address = UserAddr::new(address);
    Err(match signal {
        libc::SIGBUS => Trap::Sigbus(address),
        libc::SIGSEGV => Trap::Sigsegv(address),
        other => Trap::Other(format!("signal {other} at {address}")),
    })
}

/// Loads.
pub(crate) fn read(at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
    // SAFETY: `into` is ours; `at` is where a scenario has mapped, or expects a signal.
    unsafe { copy(into.as_mut_ptr(), at.get() as *const u8, into.len()) }
}

/// Stores.
pub(crate) fn write(at: UserAddr, from: &[u8]) -> Result<(), Trap> {
    // SAFETY: as for `read`.
    unsafe { copy(at.get() as *mut u8, from.as_ptr(), from.len()) }
}
