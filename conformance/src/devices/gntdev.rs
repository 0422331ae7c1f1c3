//! A file through which the pages of another domain are reached.

use alloc::vec::Vec;

use vmctx::{Errno, PageCount, PageOffset, Platform};

use super::host::{Host, Opened, Shared, asked, buffer, index, unpair};
use vmctx_drivers::gntdev::Gntdev;

/// Pages of the other domain.
pub const FOREIGN: usize = 12;

/// Adds a map of grants: a pair of the first reference and the count; the references go downwards. Answers its index.
pub const ADD: u32 = 1;
/// Forgets a map: a pair of index and count.
pub const REMOVE: u32 = 2;
/// Asks for a byte to be cleared at the next unmapping: a pair of page offset and byte.
pub const NOTIFY: u32 = 3;
/// Asks how many grants are mapped.
pub const LIVE: u32 = 4;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let foreign = buffer(host, 0, FOREIGN)?;
    let file = Gntdev::<H::Platform>::new(foreign.clone(), host.may_sleep())?;
    let file = H::Platform::share(file, host.may_sleep())?;
    let grants = file.clone();
    let side = asked::<H::Platform, _, _>([foreign], move |ctx, request, argument| match request {
        ADD => {
            let (first, count) = unpair(argument)?;
            let mut refs = Vec::new();
            refs.try_reserve_exact(count.min(index(u64::from(u16::MAX))?)).map_err(|_| Errno::ENOMEM)?;
            refs.extend((0..=first).rev().take(count).map(PageOffset::new));
            grants.add(refs, ctx.may_sleep()).map(|index| index.index() as u64)
        }
        REMOVE => {
            let (first, count) = unpair(argument)?;
            grants.remove(PageOffset::new(first), PageCount::new(count), ctx.may_sleep()).map(|()| 0)
        }
        NOTIFY => {
            let (page, byte) = unpair(argument)?;
            grants.set_notify(PageOffset::new(page), byte, ctx.may_sleep()).map(|()| 0)
        }
        LIVE => Ok(grants.live() as u64),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(Shared::<H::Platform, _>(file), side))
}
