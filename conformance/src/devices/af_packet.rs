//! A socket without rings.

use vmctx::{ByPrepare, Errno, PageCount, Platform};

use super::host::{Host, NoMemory, Opened, Shared, asked, unpair};
use vmctx_drivers::af_packet::{AfPacket, Direction};

/// Sets up the ring to receive: a pair of the number of blocks and the pages of each.
pub const RECEIVE_RING: u32 = 1;
/// Sets up the ring to send, likewise.
pub const SEND_RING: u32 = 2;
/// Asks in how many places the rings are mapped.
pub const MAPPED: u32 = 3;
/// A packet comes in.
pub const RECEIVE: u32 = 4;
/// Sends a packet, and answers it.
pub const SEND: u32 = 5;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let socket = AfPacket::<H::Platform>::new(host.memory().clone(), host.may_sleep())?;
    let socket = H::Platform::share(ByPrepare(socket), host.may_sleep())?;
    let file = Shared::<H::Platform, _>(socket.clone());
    let side = asked::<H::Platform, _, _>(NoMemory, move |ctx, request, argument| match request {
        RECEIVE_RING | SEND_RING => {
            let direction = if request == RECEIVE_RING { Direction::Receive } else { Direction::Send };
            let (blocks, pages) = unpair(argument)?;
            socket.0.set_ring(direction, blocks, PageCount::new(pages), ctx.may_sleep()).map(|()| 0)
        }
        MAPPED => Ok(socket.0.mapped() as u64),
        RECEIVE => socket.0.receive(argument.to_le_bytes(), ctx.may_sleep()).map(|()| 0),
        SEND => socket.0.send(ctx.may_sleep()).map(u64::from_le_bytes),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}
