//! A display of 16 by 8 LEDs.

use vmctx::{ByPrepare, Errno, Platform};

use super::host::{Host, Opened, Shared, asked, buffer, index, pair};
use vmctx_drivers::ht16k33::Ht16k33;

/// Sends what has changed. Answers a pair: the first byte, and the end.
pub const UPDATE: u32 = 1;
/// Asks what byte of LEDs is lit.
pub const LEDS: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let frame = buffer(host, 0, 1)?;
    let display = Ht16k33::<H::Platform>::new(frame.clone(), host.may_sleep())?;
    let display = H::Platform::share(ByPrepare(display), host.may_sleep())?;
    let file = Shared::<H::Platform, _>(display.clone());
    let side = asked::<H::Platform, _, _>([frame], move |ctx, request, argument| match request {
        UPDATE => {
            let sent = display.0.update(ctx.may_sleep())?;
            Ok(pair(sent.start, sent.end))
        }
        LEDS => display.0.leds(ctx.may_sleep()).get(index(argument)?).copied().map(u64::from).ok_or(Errno::EINVAL),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}
