//! The frame buffer of a Holtek HT16K33 LED matrix: `drivers/auxdisplay/ht16k33.c`, `ht16k33_mmap` and
//! `ht16k33_fb_update` (one of the call sites of linux-mm, September 2018).
//!
//! The user draws into a page; some times a second the driver sends over I²C what has changed since.
//!
//! What C did by hand: in 2018 it inserted the page at `vma->vm_start` and did not look how long the mapping was, as
//! cfag12864b did. Its comparison reads the user's page twice, once to find what changed and once to send it, and keeps
//! in its cache a third reading; what the user draws in between is then never sent. Here the page is read once.

use core::ops::Range;

use vmctx::{Errno, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, RwLock, WithoutFaults};

use crate::buffer::Buffer;

/// Bytes of the page that are shown, a LED each bit.
pub const LED_BYTES: usize = 16;

/// The display.
pub struct Ht16k33<P: Platform> {
    frame: P::Ref<Buffer<P>>,
    /// What the controller has been sent.
    leds: P::RwLock<[u8; LED_BYTES]>,
}

impl<P: Platform> Ht16k33<P> {
    /// A display, dark, that is to show the beginning of `frame`.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(frame: P::Ref<Buffer<P>>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { frame, leds: P::RwLock::new([0; LED_BYTES], may_sleep)? })
    }

    /// Sends what has changed: all from the first byte that differs to the last. Which bytes those were.
    ///
    /// # Errors
    /// EINVAL for a frame buffer that is too small.
    pub fn update(&self, may_sleep: MaySleep<'_>) -> Result<Range<usize>, Errno> {
        let mut leds = self.leds.write(may_sleep);
        let mut drawn = [0; LED_BYTES];
        self.frame.read(0, &mut drawn)?;
        let differs = |at: &usize| leds.get(*at) != drawn.get(*at);
        let first = (0..LED_BYTES).find(differs).unwrap_or(0);
        let end = (0..LED_BYTES).rev().find(differs).map_or(0, |last| last + 1);
        *leds = drawn;
        Ok(first..end)
    }

    /// What the LEDs show.
    pub fn leds(&self, may_sleep: MaySleep<'_>) -> [u8; LED_BYTES] {
        *self.leds.read(may_sleep)
    }
}

impl<P: Platform> PrepareFile for Ht16k33<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.writable().fill_from_first(self.frame.pages())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}
