//! The devices of `vmctx-conformance`, as devices of a Linux module. The other half is `kernel/module/devices.c`.
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
use vmctx::{MmapFile, PageOffset, Platform, entry};
use vmctx_linux::{self as linux, Linux, LinuxRef};

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

/// Writes the name of device number `index`, with a null at its end, to `name`. Gives back whether there is such a
/// device, and room for its name.
///
/// # Safety
/// `name` can be written to for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_name(index: c_uint, name: *mut u8, len: usize) -> bool {
    let Some(known) = device::name(index as usize).filter(|known| known.len() < len) else { return false };
    // SAFETY: by this function's contract.
    let name = unsafe { slice::from_raw_parts_mut(name, len) };
    for (to, from) in name.iter_mut().zip(known.bytes().chain([0])) {
        *to = from;
    }
    true
}

/// `f_op->open` of device number `index`: zero and a handle, or a negative errno.
///
/// # Safety
/// `handle` can be written to; `file` is the kernel's, in a call of `f_op->open`, and [`vmctx_device_release`] is
/// called when it is released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_open(index: c_uint, file: *mut c_void, handle: *mut *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    let may_sleep = unsafe { entry::may_sleep() };
    linux::code(Open::new(index as usize, may_sleep).and_then(|open| Linux::share(open, may_sleep)).map(|open| {
        // SAFETY: by this function's contract the file is that of this open device, which lives until it is released.
        unsafe { linux::open(open.file(), file) };
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
/// `handle` is of the open `file`; `vma` is the kernel's, in a call of `f_op->mmap` of that file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_mmap(handle: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { linux::mmap(open(handle).file(), file, vma) }
}

/// Whether the file describes its mappings, on a kernel with `f_op->mmap_prepare`.
///
/// # Safety
/// `handle` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_describes(handle: *mut c_void) -> bool {
    // SAFETY: by this function's contract.
    linux::describes(unsafe { open(handle) }.file())
}

/// The files of the module: their `private_data` is a handle.
struct Files;

// SAFETY: a handle is of one device.
unsafe impl linux::PrivateData for Files {
    type Driver = dyn MmapFile<Platform = Linux>;

    unsafe fn driver<'a>(handle: *mut c_void) -> &'a Self::Driver {
        // SAFETY: by this function's contract.
        unsafe { open(handle) }.file()
    }
}

/// `f_op->mmap_prepare`.
///
/// # Safety
/// `desc` is the kernel's, in a call of `f_op->mmap_prepare` of a file whose `private_data` is an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_mmap_prepare(desc: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { linux::mmap_prepare::<Files>(desc) }
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

/// The references of a page of the device's memory, or a negative errno.
///
/// # Safety
/// `handle` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_references(handle: *mut c_void, page: usize) -> c_long {
    // SAFETY: by this function's contract.
    match unsafe { open(handle) }.references(PageOffset::new(page)) {
        Ok(count) => c_long::from(count),
        Err(errno) => -c_long::from(errno.to_raw()),
    }
}

/// An ioctl: zero and what the device answers, or a negative errno.
///
/// # Safety
/// `handle` is open; the caller is a system call of a process that holds no mmap lock. `value` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vmctx_device_control(
    handle: *mut c_void,
    request: c_uint,
    argument: u64,
    value: *mut u64,
) -> c_int {
    // SAFETY: by this function's contract.
    let open = unsafe { open(handle) };
    // SAFETY: by this function's contract; no hook calls this.
    let answer = unsafe { linux::ioctl(|ctx| open.control(ctx, request, argument)) };
    // SAFETY: by this function's contract.
    linux::code(answer.map(|answer| unsafe { *value = answer }))
}
