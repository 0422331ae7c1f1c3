//! A device with two objects. In the device's memory they lie one behind the other.

use vmctx::{Errno, PageOffset, SharedObject};

use super::host::{Host, Opened, buffer};
use vmctx_drivers::vgem::{Object, Placement, Vgem};

/// An object of the device.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Where it is mapped.
    pub fake_offset: PageOffset,
    /// When it is filled.
    pub placement: Placement,
    /// How long it is, in pages.
    pub pages: usize,
}

/// The object that mmap fills.
pub const EAGER: Place = Place { fake_offset: PageOffset::new(16), placement: Placement::AtMmap, pages: 20 };
/// The object that faults fill.
pub const LAZY: Place = Place { fake_offset: PageOffset::new(64), placement: Placement::OnFault, pages: 40 };

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let buffers = [buffer(host, 0, EAGER.pages)?, buffer(host, EAGER.pages, LAZY.pages)?];
    let mappings = SharedObject::new(host.may_sleep())?;
    let mut device = Vgem::new(mappings.clone());
    for (place, pages) in [EAGER, LAZY].into_iter().zip(&buffers) {
        let object = Object::new(place.fake_offset, place.placement, pages.clone(), &mappings)?;
        device.add(object, host.may_sleep())?;
    }
    Ok(Opened::prepared(device, buffers))
}
