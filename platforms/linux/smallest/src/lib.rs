//! The Rust half of the smallest module: a device with one page, which its users share.
#![no_std]

use core::{
    ffi::{c_int, c_void},
    mem::ManuallyDrop,
    panic::PanicInfo,
};

use vmctx::{Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageRef, Platform, VmFault, VmOperations, entry};
use vmctx_linux::{self as linux, Linux, LinuxRef};

/// An open file, and each mapping of it. No `unsafe`, and nothing that knows of Linux.
struct Device<P: Platform> {
    page: P::Page,
}

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.page_count().get() != 1 {
            return Err(Errno::EINVAL);
        }
        Ok(ctx.writable().establish(Device { page: self.page.clone() })?.fill_later())
    }
}

impl<P: Platform> VmOperations for Device<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.page)
    }
}

fn open(may_sleep: MaySleep<'_>) -> Result<LinuxRef<Device<Linux>>, Errno> {
    let page = Linux::alloc_page(&(), may_sleep)?;
    page.write(0, b"the smallest module").map_err(|_| Errno::EINVAL)?;
    Linux::share(Device { page }, may_sleep)
}

/// `f_op->open`: zero and the open file, or a negative errno.
///
/// # Safety
/// `file` can be written to. The caller may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallest_open(file: *mut *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    let may_sleep = unsafe { entry::may_sleep() };
    linux::code(open(may_sleep).map(|device| {
        // SAFETY: by this function's contract.
        unsafe { *file = device.into_raw() };
    }))
}

/// `f_op->release`.
///
/// # Safety
/// `file` is from `smallest_open`, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallest_release(file: *mut c_void) {
    // SAFETY: by this function's contract.
    drop(unsafe { LinuxRef::<Device<Linux>>::from_raw(file) });
}

/// `f_op->mmap`.
///
/// # Safety
/// `device` is from `smallest_open`, of the open `file`; `vma` is the kernel's, in a call of `f_op->mmap` of that file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallest_mmap(device: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract; the file stays open, so its reference is not given up.
    let device = ManuallyDrop::new(unsafe { LinuxRef::<Device<Linux>>::from_raw(device) });
    // SAFETY: by this function's contract.
    unsafe { linux::mmap(&**device, file, vma) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    linux::panic(info)
}
