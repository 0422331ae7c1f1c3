//! Results, as the kernel's functions give and take them.

use core::ffi::c_int;

use vmctx::Errno;

/// A result as the kernel's functions give it: zero for success, or a negative errno.
#[must_use]
pub const fn code(result: Result<(), Errno>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(errno) => -errno.to_raw(),
    }
}

/// What a kernel function gave that returns zero for success, or a negative errno.
///
/// # Errors
/// The errno; EIO for a number that is none.
pub fn result(code: c_int) -> Result<(), Errno> {
    match code {
        0 => Ok(()),
        negative => Err(Errno::from_raw(negative.wrapping_neg()).unwrap_or(Errno::EIO)),
    }
}
