//! A queue that captures and one that puts out, to choose from.

use vmctx::{ByPrepare, Errno, PageCount, PageOffset, Platform};

use super::host::{Choice, Host, Opened, Shared, Side, asked, index};
use vmctx_drivers::videobuf2_dma_sg::{QueueType, Videobuf2};

/// How long each plane of a buffer is, in pages.
pub const PLANES: [usize; 2] = [4, 2];
const PLANE_PAGES: &[PageCount] = &[PageCount::new(PLANES[0]), PageCount::new(PLANES[1])];

/// The number of the queue that captures.
pub const CAPTURE: u64 = 0;
/// The number of the queue that puts out.
pub const OUTPUT: u64 = 1;

/// Requests so many buffers.
pub const REQUEST_BUFFERS: u32 = 1;
/// Asks in how many places the plane with this cookie is mapped.
pub const USERS: u32 = 2;

/// In the device's memory every plane has so many pages, those that it has not included.
pub const STRIDE: usize = 4;

/// Where in the device's memory the plane with this cookie begins.
#[must_use]
pub const fn device_page(cookie: PageOffset) -> usize {
    cookie.index() * STRIDE
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    Choice::open([queue(host, QueueType::Capture)?, queue(host, QueueType::Output)?], host.may_sleep())
}

fn queue<H: Host>(host: &H, queue_type: QueueType) -> Result<Opened<H::Platform>, Errno> {
    let queue = Videobuf2::<H::Platform>::new(host.memory().clone(), queue_type, PLANE_PAGES, host.may_sleep())?;
    let queue = H::Platform::share(ByPrepare(queue), host.may_sleep())?;
    let file = Shared::<H::Platform, _>(queue.clone());
    let side = asked(Dma::<H::Platform>(queue.clone()), move |ctx, request, argument| match request {
        REQUEST_BUFFERS => queue.0.request_buffers(index(argument)?, ctx.may_sleep()).map(|()| 0),
        USERS => queue.0.users(PageOffset::new(index(argument)?), ctx.may_sleep()).map(|users| users as u64),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}

/// The device, which is at the planes by DMA.
struct Dma<P: Platform>(P::Ref<ByPrepare<Videobuf2<P>>>);

/// The cookie of the plane that this byte of the device's memory is in, and where in it.
fn place<P: Platform>(offset: usize) -> (PageOffset, usize) {
    (PageOffset::new(offset / P::PAGE_SIZE / STRIDE), offset % (STRIDE * P::PAGE_SIZE))
}

impl<P: Platform> Side<P> for Dma<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let (cookie, offset) = place::<P>(offset);
        self.0.0.dma(cookie, |plane| plane.read(offset, into))
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let (cookie, offset) = place::<P>(offset);
        self.0.0.dma(cookie, |plane| plane.write(offset, from))
    }
}
