//! A file without pages, and the domain to which they will be granted.

use alloc::vec::Vec;

use vmctx::{ByPrepare, Errno, PageCount, PageOffset, PageRef, Platform, RwLock};

use super::host::{Host, Opened, Shared, Side, asked, index, unpair};
use vmctx_drivers::gntalloc::Gntalloc;

/// How many pages it may have.
pub const LIMIT: usize = 16;

/// Allocates so many pages. Answers the index of the first.
pub const ALLOC: u32 = 1;
/// Takes pages off the list: a pair of index and count.
pub const DEALLOC: u32 = 2;
/// Asks for a byte to be cleared: a pair of the page's index and the byte.
pub const NOTIFY: u32 = 3;
/// Asks how many pages are granted.
pub const LIVE: u32 = 4;
/// The other domain lets go of all pages.
pub const LET_GO: u32 = 5;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let file = Gntalloc::<H::Platform>::new(host.memory().clone(), PageCount::new(LIMIT), host.may_sleep())?;
    let file = H::Platform::share(ByPrepare(file), host.may_sleep())?;
    let pages = <H::Platform as Platform>::RwLock::new(Vec::new(), host.may_sleep())?;
    let domain = H::Platform::share(Domain::<H::Platform> { pages }, host.may_sleep())?;
    let grants = file.clone();
    let granted = domain.clone();
    let side = asked(Remote::<H::Platform>(domain), move |ctx, request, argument| match request {
        ALLOC => {
            let count = PageCount::new(index(argument)?);
            let mut pages = granted.pages.write(ctx.may_sleep());
            pages.try_reserve(count.get().min(LIMIT)).map_err(|_| Errno::ENOMEM)?;
            let first = grants.0.alloc(count, ctx.may_sleep(), |page| pages.push(page.clone()))?;
            Ok(first.index() as u64)
        }
        DEALLOC => {
            let (first, count) = unpair(argument)?;
            grants.0.dealloc(PageOffset::new(first), PageCount::new(count), ctx.may_sleep()).map(|()| 0)
        }
        NOTIFY => {
            let (page, byte) = unpair(argument)?;
            grants.0.set_notify(PageOffset::new(page), byte, ctx.may_sleep()).map(|()| 0)
        }
        LET_GO => {
            granted.pages.write(ctx.may_sleep()).clear();
            Ok(0)
        }
        LIVE => Ok(grants.0.live() as u64),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(Shared::<H::Platform, _>(file), side))
}

/// The other domain: maps all that it is granted, by index, and keeps it.
struct Domain<P: Platform> {
    pages: P::RwLock<Vec<P::Page>>,
}

struct Remote<P: Platform>(P::Ref<Domain<P>>);

impl<P: Platform> Remote<P> {
    fn page(&self, offset: usize) -> Result<P::Page, Errno> {
        let pages = self.0.pages.try_read().ok_or(Errno::EAGAIN)?;
        pages.get(offset / P::PAGE_SIZE).cloned().ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> Side<P> for Remote<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.page(offset)?.read(offset % P::PAGE_SIZE, into).map_err(|_| Errno::EINVAL)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.page(offset)?.write(offset % P::PAGE_SIZE, from).map_err(|_| Errno::EINVAL)
    }
}
