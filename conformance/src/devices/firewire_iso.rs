//! A client without a stream.

use vmctx::{Errno, Platform};

use super::host::{Host, Opened, Shared, Side, asked};
use vmctx_drivers::firewire_iso::{Direction, FirewireIso};

/// Creates a context that transmits.
pub const TRANSMIT: u32 = 1;
/// Creates a context that receives.
pub const RECEIVE: u32 = 2;
/// Destroys the context.
pub const DESTROY: u32 = 3;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let client = FirewireIso::<H::Platform>::new(host.memory().clone(), host.may_sleep())?;
    let client = H::Platform::share(client, host.may_sleep())?;
    let file = Shared::<H::Platform, _>(client.clone());
    let side = asked(Controller::<H::Platform>(client.clone()), move |ctx, request, _| {
        let context = match request {
            TRANSMIT => Some(Direction::Transmit),
            RECEIVE => Some(Direction::Receive),
            DESTROY => None,
            _ => return Err(Errno::ENOTTY),
        };
        client.set_context(context, ctx.may_sleep()).map(|()| 0)
    });
    Ok(Opened::new(file, side))
}

/// What reads and writes packets by DMA.
struct Controller<P: Platform>(P::Ref<FirewireIso<P>>);

impl<P: Platform> Side<P> for Controller<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.transmit(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.receive(offset, from)
    }
}
