//! What a Rust library in a kernel module needs of the language: memory, and an end to panics.

use core::{
    alloc::{GlobalAlloc, Layout},
    ffi::c_uint,
    fmt::{self, Write},
    panic::PanicInfo,
};

use crate::ffi;

/// The kernel's allocator (`kmalloc`), for a module's `#[global_allocator]`. No memory is a null pointer, which
/// fallible collections report as ENOMEM.
pub struct KernelAllocator;

// SAFETY: `kmalloc` gives memory of the size, aligned as asked by the shim, until `kfree`.
unsafe impl GlobalAlloc for KernelAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a size of zero is never asked for.
        unsafe { ffi::vmctx_alloc(layout.size(), layout.align()) }.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it is from `alloc`.
        unsafe { ffi::vmctx_free(memory.cast()) };
    }
}

/// For a module's `#[panic_handler]`: a kernel `BUG` with the panic's message and place.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    let mut message = Line { bytes: [0; 160], len: 0 };
    // Cannot fail: what does not fit is cut off.
    let _ = write!(message, "{}", info.message());
    let (file, line) = info.location().map_or(("?", 0), |place| (place.file(), place.line()));
    // SAFETY: the pointers are to as many bytes as their lengths say.
    unsafe {
        ffi::vmctx_panic(message.bytes.as_ptr().cast(), message.len, file.as_ptr().cast(), file.len(), line as c_uint)
    }
}

struct Line {
    bytes: [u8; 160],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (to, from) in self.bytes.iter_mut().skip(self.len).zip(text.bytes()) {
            *to = from;
            self.len += 1;
        }
        Ok(())
    }
}
