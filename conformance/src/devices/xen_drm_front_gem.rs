//! A device with two objects. The backend has them one behind the other.

use vmctx::{ByPrepare, Errno, PageOffset, Platform};

use super::host::{Host, Opened, Shared, asked, buffer, index};
use vmctx_drivers::xen_drm_front_gem::XenDrmFront;

/// Where each object is mapped, and its pages.
pub const OBJECTS: [(PageOffset, usize); 2] = [(PageOffset::new(16), 9), (PageOffset::new(32), 4)];

/// Makes an object, of this number.
pub const CREATE: u32 = 1;
/// Drops the handle of the object of this number.
pub const DESTROY: u32 = 2;
/// Asks how many pages the backend is at.
pub const SHARED: u32 = 3;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let [(first, first_pages), (second, second_pages)] = OBJECTS;
    let pages = [buffer(host, 0, first_pages)?, buffer(host, first_pages, second_pages)?];
    let device = XenDrmFront::<H::Platform>::new(host.may_sleep())?;
    for (at, pages) in [first, second].into_iter().zip(&pages) {
        device.create(at, pages.clone(), host.may_sleep())?;
    }
    let device = H::Platform::share(ByPrepare(device), host.may_sleep())?;
    let file = Shared::<H::Platform, _>(device.clone());
    let backend = pages.clone();
    let side = asked(pages, move |ctx, request, argument| match request {
        CREATE => {
            let number = index(argument)?;
            let ((at, _), pages) = OBJECTS.iter().zip(&backend).nth(number).ok_or(Errno::EINVAL)?;
            device.0.create(*at, pages.clone(), ctx.may_sleep()).map(|()| 0)
        }
        DESTROY => {
            let (at, _) = OBJECTS.get(index(argument)?).ok_or(Errno::EINVAL)?;
            device.0.destroy(*at, ctx.may_sleep()).map(|()| 0)
        }
        SHARED => Ok(device.0.shared_pages() as u64),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}
