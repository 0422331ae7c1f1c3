//! SIGBUS and SIGSEGV: the process's handlers of both, and loads and stores that survive them and say where they failed.

use std::{arch::global_asm, ffi::c_int, mem, ptr, sync::OnceLock};

use crate::error::RawErrno;

use super::{sys::PAGE_SIZE, undisturbed};

/// How many bytes are copied at once.
const WORD: usize = 8;

// `vmctx_uffd_copy` copies bytes one by one, or on AArch64, where all is aligned, word by word; `vmctx_uffd_copy_word` copies
// eight bytes by one load and one store. If one of their accesses ends in a signal, the handler below lets it go on at
// `vmctx_uffd_out`, with the signal's number and the address in the two registers of the result. All accesses lie between
// `vmctx_uffd_in` and `vmctx_uffd_end`.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.vmctx_uffd_copy, \"ax\", @progbits",
    ".globl vmctx_uffd_copy_word",
    ".hidden vmctx_uffd_copy_word",
    "vmctx_uffd_copy_word:",
    "xor eax, eax",
    "xor edx, edx",
    "jmp 2f",
    ".globl vmctx_uffd_copy",
    ".hidden vmctx_uffd_copy",
    "vmctx_uffd_copy:",
    "mov rcx, rdx",
    "xor eax, eax",
    "xor edx, edx",
    ".globl vmctx_uffd_in",
    ".hidden vmctx_uffd_in",
    "vmctx_uffd_in:",
    "rep movsb",
    "ret",
    "2:",
    "mov rcx, [rsi]",
    "mov [rdi], rcx",
    ".globl vmctx_uffd_end",
    ".hidden vmctx_uffd_end",
    "vmctx_uffd_end:",
    "ret",
    ".globl vmctx_uffd_out",
    ".hidden vmctx_uffd_out",
    "vmctx_uffd_out:",
    "ret",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.vmctx_uffd_copy, \"ax\", @progbits",
    ".globl vmctx_uffd_copy_word",
    ".hidden vmctx_uffd_copy_word",
    "vmctx_uffd_copy_word:",
    "mov x3, x0",
    "mov x0, xzr",
    "b 4f",
    ".globl vmctx_uffd_copy",
    ".hidden vmctx_uffd_copy",
    "vmctx_uffd_copy:",
    "mov x3, x0",
    "mov x0, xzr",
    "orr x4, x1, x3",
    "orr x4, x4, x2",
    "tst x4, #7",
    "b.ne 3f",
    ".globl vmctx_uffd_in",
    ".hidden vmctx_uffd_in",
    "vmctx_uffd_in:",
    "2:",
    "cbz x2, 5f",
    "ldr x4, [x1], #8",
    "str x4, [x3], #8",
    "sub x2, x2, #8",
    "b 2b",
    "3:",
    "cbz x2, 5f",
    "ldrb w4, [x1], #1",
    "strb w4, [x3], #1",
    "sub x2, x2, #1",
    "b 3b",
    "4:",
    "ldr x4, [x1]",
    "str x4, [x3]",
    ".globl vmctx_uffd_end",
    ".hidden vmctx_uffd_end",
    "vmctx_uffd_end:",
    "5:",
    "mov x0, xzr",
    "mov x1, xzr",
    ".globl vmctx_uffd_out",
    ".hidden vmctx_uffd_out",
    "vmctx_uffd_out:",
    "ret",
    ".popsection",
);

/// How a copy ended: the number of a signal and its address, or zeros.
#[repr(C)]
struct CopyEnd {
    signal: usize,
    address: usize,
}

unsafe extern "C" {
    fn vmctx_uffd_copy(to: *mut u8, from: *const u8, len: usize) -> CopyEnd;
    fn vmctx_uffd_copy_word(to: *mut u8, from: *const u8) -> CopyEnd;
    fn vmctx_uffd_in();
    fn vmctx_uffd_end();
    fn vmctx_uffd_out();
}

/// A signal that an access has ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Bus(usize),
    Segv(usize),
}

fn address_of(label: unsafe extern "C" fn()) -> usize {
    label as *const () as usize
}

/// The handlers that were there before, SIGBUS's and SIGSEGV's.
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Who serves a SIGBUS that is a page fault, in the thread that has it.
pub(crate) trait ServeSigbus {
    /// Whether it was served, and the access is to be repeated.
    fn serve(address: usize, write: bool) -> bool;
}

extern "C" fn handler<S: ServeSigbus>(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // The code that was interrupted may be about to look at its errno, so it is put back at the end.
    // SAFETY: this thread's own.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel has handed both over with SA_SIGINFO.
    unsafe {
        let (address, registers) = ((*info).si_addr() as usize, context.cast());
        if (*info).si_code <= 0 {
            // Somebody has sent it (`kill`), and no access: it has no address.
            sent(signal, info, context);
        } else {
            let served = signal == libc::SIGBUS && S::serve(address, was_store(registers));
            if !served && !skip_copy(signal, address, registers) {
                pass_on(signal, info, context);
            }
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Whether it was a store that ended in a signal: bit 1 of the error code of a page fault.
///
/// # Safety
/// The context is the kernel's.
#[cfg(target_arch = "x86_64")]
unsafe fn was_store(context: *const libc::ucontext_t) -> bool {
    // SAFETY: by this function's contract.
    let code = unsafe { register(context, libc::REG_ERR) };
    code & 2 != 0
}

/// Whether it was a store that ended in a signal: bit 6 (WnR) of the syndrome, which is in one of the records behind the
/// registers (`struct esr_context`).
///
/// # Safety
/// The context is the kernel's.
#[cfg(target_arch = "aarch64")]
unsafe fn was_store(context: *const libc::ucontext_t) -> bool {
    const ESR_MAGIC: u32 = 0x4553_5201;
    const RECORDS: usize = 4096;
    // SAFETY: by this function's contract: the records begin behind the last register, aligned to 16 bytes, and end with
    // one of size 0.
    unsafe {
        let mut at = (&raw const (*context).uc_mcontext.pstate).add(1).cast::<u8>();
        at = at.add(at.align_offset(16));
        let end = at.add(RECORDS);
        while at < end {
            let [magic, size] = at.cast::<[u32; 2]>().read();
            if magic == ESR_MAGIC {
                return at.add(8).cast::<u64>().read() & 1 << 6 != 0;
            }
            if size == 0 {
                break;
            }
            at = at.add(size as usize);
        }
        false
    }
}

/// If the signal interrupted a copy, has the thread go on behind it, with the signal as the copy's result. Whether it did.
///
/// # Safety
/// The context is the kernel's.
#[cfg(target_arch = "x86_64")]
unsafe fn skip_copy(signal: c_int, address: usize, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: by this function's contract.
    let at = unsafe { register(context, libc::REG_RIP) };
    if at < address_of(vmctx_uffd_in) || at >= address_of(vmctx_uffd_end) {
        return false;
    }
    // SAFETY: as above.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    let mut set = |register: c_int, value: usize| {
        if let Some(to) = usize::try_from(register).ok().and_then(|index| registers.get_mut(index)) {
            *to = i64::from_ne_bytes(value.to_ne_bytes());
        }
    };
    set(libc::REG_RAX, usize::try_from(signal).unwrap_or(0));
    set(libc::REG_RDX, address);
    set(libc::REG_RIP, address_of(vmctx_uffd_out));
    true
}

/// # Safety
/// The context is the kernel's.
#[cfg(target_arch = "x86_64")]
unsafe fn register(context: *const libc::ucontext_t, register: c_int) -> usize {
    // SAFETY: by this function's contract.
    let registers = unsafe { &(*context).uc_mcontext.gregs };
    let index = usize::try_from(register).unwrap_or(usize::MAX);
    registers.get(index).map_or(0, |value| usize::from_ne_bytes(value.to_ne_bytes()))
}

/// If the signal interrupted a copy, has the thread go on behind it, with the signal as the copy's result. Whether it did.
///
/// # Safety
/// The context is the kernel's.
#[cfg(target_arch = "aarch64")]
unsafe fn skip_copy(signal: c_int, address: usize, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: by this function's contract.
    let machine = unsafe { &mut (*context).uc_mcontext };
    let at = usize::try_from(machine.pc).unwrap_or(0);
    if at < address_of(vmctx_uffd_in) || at >= address_of(vmctx_uffd_end) {
        return false;
    }
    let [first, second, ..] = &mut machine.regs;
    *first = u64::try_from(signal).unwrap_or(0);
    *second = address as u64;
    machine.pc = address_of(vmctx_uffd_out) as u64;
    true
}

/// A signal that somebody has sent. It does what it did before.
///
/// # Safety
/// The arguments are what the kernel has handed over.
unsafe fn sent(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if before(signal).is_some_and(|before| before.sa_sigaction == libc::SIG_IGN) {
        return;
    }
    // SAFETY: by this function's contract; an all-zero `sigaction` is one, which the kernel fills in.
    unsafe {
        pass_on(signal, info, context);
        let mut now: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, ptr::null(), &raw mut now);
        if now.sa_sigaction == libc::SIG_DFL {
            // As the standard library's handler does, it relies on an access that is repeated, and there is none.
            libc::raise(signal);
        }
    }
}

/// What was there before, for this signal.
fn before(signal: c_int) -> Option<&'static libc::sigaction> {
    BEFORE.get().map(|[bus, segv]| if signal == libc::SIGBUS { bus } else { segv })
}

/// Gives a signal to the handler that was there before.
///
/// # Safety
/// The arguments are what the kernel has handed over.
unsafe fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    match before(signal) {
        Some(action) if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN => {
            // It finds the signals blocked that the kernel would have blocked for it. When the handler returns, or jumps, that
            // is the kernel's business again.
            // SAFETY: by this function's contract; the sets are the kernel's and the handler's.
            unsafe {
                let interrupted = &raw const (*context.cast::<libc::ucontext_t>()).uc_sigmask;
                libc::pthread_sigmask(libc::SIG_SETMASK, interrupted, ptr::null_mut());
                let mut its_own = action.sa_mask;
                if action.sa_flags & libc::SA_NODEFER == 0 {
                    libc::sigaddset(&raw mut its_own, signal);
                }
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const its_own, ptr::null_mut());
            }
            if action.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: a handler with SA_SIGINFO has this signature.
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    unsafe { mem::transmute(action.sa_sigaction) };
                handler(signal, info, context);
            } else {
                // SAFETY: a handler without has this one.
                let handler: extern "C" fn(c_int) = unsafe { mem::transmute(action.sa_sigaction) };
                handler(signal);
            }
        }
        // When the handler returns, the access is repeated, and ends as it would have ended without this crate.
        // SAFETY: `SIG_DFL` is a disposition.
        _ => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
}

/// Installs the handlers, once for a process: from now on [`copy`] survives both signals, and `S` is asked about each
/// SIGBUS. What is for neither goes where it went before.
pub(crate) fn install_handlers<S: ServeSigbus>() -> Result<(), RawErrno> {
    let mut caught = Ok(());
    BEFORE.get_or_init(|| {
        [libc::SIGBUS, libc::SIGSEGV].map(|signal| {
            // SAFETY: an all-zero `sigaction` is one.
            let mut before: libc::sigaction = unsafe { mem::zeroed() };
            // SAFETY: as above; the handler has SA_SIGINFO's signature.
            let done = unsafe {
                let mut action: libc::sigaction = mem::zeroed();
                action.sa_sigaction = handler::<S> as *const () as usize;
                // SIGBUS: drivers' hooks may run in the handler. So it runs on the thread's own stack, because a signal
                // stack is small, and with SIGBUS not blocked, as the hook would find it elsewhere; other signals come when
                // it returns, because their handlers might touch what is just being served. SIGSEGV: an overflown stack is
                // one, and a handler for that, which this one passes it on to, needs the signal stack.
                let how = if signal == libc::SIGBUS {
                    action.sa_mask = undisturbed::others_signals();
                    libc::SA_NODEFER
                } else {
                    libc::SA_ONSTACK
                };
                action.sa_flags = libc::SA_SIGINFO | how;
                // One call installs the handler and says which was there before: a signal may come right after it.
                libc::sigaction(signal, &action, &raw mut before)
            };
            if done != 0 {
                caught = Err(RawErrno::INVAL);
            }
            before
        })
    });
    caught
}

/// Copies bytes, either side of which may end in a signal. Eight bytes that lie in one page on either side are copied by
/// one load and one store, so that whoever looks at an aligned word meanwhile sees it as it was or as it is.
///
/// # Safety
/// One side is `len` bytes that are the caller's; the other is in mappings of this platform's, or where nothing is
/// mapped, for as long as this takes.
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> Result<(), Signal> {
    let is_in_a_page = |at: usize| at % PAGE_SIZE <= PAGE_SIZE - WORD;
    let is_word = len == WORD && is_in_a_page(to.addr()) && is_in_a_page(from.addr());
    // SAFETY: by this function's contract.
    let CopyEnd { signal, address } =
        unsafe { if is_word { vmctx_uffd_copy_word(to, from) } else { vmctx_uffd_copy(to, from, len) } };
    match c_int::try_from(signal) {
        Ok(0) => Ok(()),
        Ok(libc::SIGBUS) => Err(Signal::Bus(address)),
        _ => Err(Signal::Segv(address)),
    }
}

/// Loads a byte, whatever it is.
///
/// # Safety
/// As [`copy`].
pub(crate) unsafe fn touch(at: usize) {
    let mut byte = 0;
    // SAFETY: by this function's contract.
    let _ = unsafe { copy(&raw mut byte, ptr::with_exposed_provenance(at), 1) };
}
