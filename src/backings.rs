//! What memory that can be taken back is made of, ready-made.

use crate::{
    errno::Errno,
    frame::FrameRange,
    iomem_part::IomemPart,
    platform::Platform,
    prot::PageProt,
    revocable::{Backing, Spot},
    units::{PageCount, PageOffset},
};

/// The pages of a device's memory. Behind its end, and in a page that is not all its own, a touch gets ENXIO.
impl<P: Platform> Backing for IomemPart<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.frame(PageOffset::new(at.get())).map(Spot::Frame).ok_or(Errno::ENXIO)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, P>> {
        self.range(PageOffset::new(first.get()), count)
    }
}

/// Something, or nothing: then a touch gets ENXIO. It is what a piece of a `Table` is before somebody
/// has put something there.
impl<B: Backing> Backing for Option<B> {
    type Platform = B::Platform;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, B::Platform>, Errno> {
        self.as_ref().ok_or(Errno::ENXIO)?.spot(at)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, B::Platform>> {
        self.as_ref()?.frames(first, count)
    }

    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        self.as_ref().map_or(mapping, |backing| backing.page_prot(at, mapping))
    }
}

/// A page, as a [`Backing`] of one.
///
/// ```
/// use vmctx::{Errno, MaySleep, OnePage, PageCount, Platform, Revocable, SharedObject};
///
/// /// A status page that can be taken away from its users when the device goes.
/// fn status<P: Platform>(
///     page: P::Page,
///     object: &SharedObject<P>,
///     may_sleep: MaySleep<'_>,
/// ) -> Result<Revocable<P, OnePage<P>>, Errno> {
///     Revocable::new(OnePage(page), object, PageCount::new(1), may_sleep)
/// }
/// ```
pub struct OnePage<P: Platform>(
    /// The page.
    pub P::Page,
);

impl<P: Platform> Backing for OnePage<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        if at == PageCount::ZERO { Ok(Spot::Page(&self.0)) } else { Err(Errno::ENXIO) }
    }
}

/// Memory to which access is switched on and off, as that to a device is. While it is off, a touch gets EIO.
///
/// ```
/// use vmctx::{Errno, IomemPart, MaySleep, Platform, Revocable, SharedObject, Switched};
///
/// struct Bar<P: Platform>(Revocable<P, Switched<IomemPart<P>>>);
///
/// impl<P: Platform> Bar<P> {
///     fn new(memory: P::Iomem, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         let memory = IomemPart::whole(memory);
///         let (object, pages) = (SharedObject::new(may_sleep)?, memory.page_count());
///         Ok(Self(Revocable::new(Switched { memory, is_on: true }, &object, pages, may_sleep)?))
///     }
///
///     fn switch_off(&self, may_sleep: MaySleep<'_>) {
///         self.0.revoke(may_sleep).is_on = false;
///     }
/// }
/// ```
pub struct Switched<B> {
    /// The memory.
    pub memory: B,
    /// Whether there is access to it.
    pub is_on: bool,
}

impl<B: Backing> Backing for Switched<B> {
    type Platform = B::Platform;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, B::Platform>, Errno> {
        if self.is_on { self.memory.spot(at) } else { Err(Errno::EIO) }
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, B::Platform>> {
        self.memory.frames(first, count).filter(|_| self.is_on)
    }

    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        self.memory.page_prot(at, mapping)
    }
}
