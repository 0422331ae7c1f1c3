//! A frame buffer, a crash dump, and a frame buffer in an area that is not for users, to choose from.

use vmctx::{Errno, Platform};

use super::host::{Choice, Host, Opened, buffer};
use vmctx_drivers::remap_vmalloc::{Area, Dump, Vfb, Vmcore};

/// Pages of a frame buffer.
pub const FRAME_BUFFER: usize = 10;
/// Pages of headers of the dump.
pub const HEADERS: usize = 2;
/// Pages of notes behind them.
pub const NOTES: usize = 5;

/// A frame buffer.
pub const VFB: u64 = 0;
/// A crash dump.
pub const VMCORE: u64 = 1;
/// A frame buffer in an area that is not for users.
pub const NOT_FOR_USERS: u64 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let (frame, secret) = (buffer(host, 0, FRAME_BUFFER)?, buffer(host, 0, FRAME_BUFFER)?);
    let (headers, notes) = (buffer(host, 0, HEADERS)?, buffer(host, HEADERS, NOTES)?);
    let dump = Dump::<H::Platform>::new(headers.clone(), Area::for_users(notes.clone()));
    let dump = Vmcore::<H::Platform>(H::Platform::share(dump, host.may_sleep())?);
    let devices = [
        Opened::prepared(Vfb::<H::Platform>(Area::for_users(frame.clone())), [frame]),
        Opened::prepared(dump, [headers, notes]),
        Opened::prepared(Vfb::<H::Platform>(Area::new(secret.clone())), [secret]),
    ];
    Choice::open(devices, host.may_sleep())
}
