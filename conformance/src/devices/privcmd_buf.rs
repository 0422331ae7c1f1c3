//! A file for hypercall buffers, and the hypervisor.

use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{Errno, Platform, UserAddr};

use super::host::{Host, NoMemory, Opened, asked, index};
use vmctx_drivers::privcmd_buf::PrivcmdBuf;

/// A hypercall whose argument is at this address. Answers what the hypervisor has read there; it writes the complement.
pub const HYPERCALL: u32 = 1;
/// Asks how many pages are allocated.
pub const ALLOCATED: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let pages = H::Platform::share(AtomicUsize::new(0), host.may_sleep())?;
    let file = PrivcmdBuf::<H::Platform>::new(host.memory().clone(), pages.clone());
    let side = asked::<H::Platform, _, _>(NoMemory, move |ctx, request, argument| match request {
        HYPERCALL => PrivcmdBuf::hypercall(ctx, UserAddr::new(index(argument)?)),
        ALLOCATED => Ok(pages.load(Ordering::Acquire) as u64),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}
