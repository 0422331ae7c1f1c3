//! The drivers of `vmctx-drivers` as devices of a Linux module. The other half is `linux/devices.c`.
#![no_std]
#![expect(unsafe_code, reason = "the border to C")]

extern crate alloc;

mod bench;
mod device;
mod edge;

use core::{
    ffi::{c_int, c_long, c_uint, c_void},
    mem::ManuallyDrop,
    slice,
};

use device::Open;
use vmctx::{
    PageOffset, Platform,
    linux::{self, Linux, LinuxRef},
};

#[cfg(target_os = "none")]
#[global_allocator]
static ALLOCATOR: linux::KernelAllocator = linux::KernelAllocator;

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    linux::panic(info)
}

/// An open file that C holds.
///
/// # Safety
/// `handle` is from [`vmctx_device_open`], and [`vmctx_device_release`] was not called for it.
unsafe fn open<'a>(handle: *mut c_void) -> &'a Open {
    // SAFETY: by this function's contract.
    let open = ManuallyDrop::new(unsafe { LinuxRef::<Open>::from_raw(handle) });
    // SAFETY: the value is behind the pointer, and lives until it is released.
    unsafe { &*core::ptr::from_ref::<Open>(&**open) }
}

/// Opens device number `index`: zero and a handle, or a negative errno.
///
/// # Safety
/// `handle` can be written to. The caller may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_open(index: c_uint, sync: bool, handle: *mut *mut c_void) -> c_int {
    linux::code(Open::new(index, sync).and_then(Linux::share).map(|open| {
        // SAFETY: by this function's contract.
        unsafe { *handle = open.into_raw() };
    }))
}

/// Closes it.
///
/// # Safety
/// `handle` is open, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_release(handle: *mut c_void) {
    // SAFETY: by this function's contract.
    drop(unsafe { LinuxRef::<Open>::from_raw(handle) });
}

/// `f_op->mmap`.
///
/// # Safety
/// `handle` is open; `vma` is the kernel's, in a call of `f_op->mmap` of that file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_mmap(handle: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { linux::mmap(open(handle).file(), vma) }
}

/// Reads the device's own memory.
///
/// # Safety
/// `handle` is open; `into` can be written to for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_read(handle: *mut c_void, offset: usize, into: *mut u8, len: usize) -> c_int {
    // SAFETY: by this function's contract.
    linux::code(unsafe { open(handle).read(offset, slice::from_raw_parts_mut(into, len)) })
}

/// Writes the device's own memory.
///
/// # Safety
/// `handle` is open; `from` can be read for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_write(handle: *mut c_void, offset: usize, from: *const u8, len: usize) -> c_int {
    // SAFETY: by this function's contract.
    linux::code(unsafe { open(handle).write(offset, slice::from_raw_parts(from, len)) })
}

/// A number that only the inside knows (see `linux/devices.h`), or a negative errno.
///
/// # Safety
/// `handle` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_gauge(handle: *mut c_void, which: c_uint, page: usize) -> c_long {
    // SAFETY: by this function's contract.
    match unsafe { open(handle) }.gauge(which, PageOffset::new(page)) {
        Ok(value) => c_long::try_from(value).unwrap_or(c_long::MAX),
        Err(errno) => -c_long::from(errno.to_raw()),
    }
}
