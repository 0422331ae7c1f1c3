//! Received data, mapped instead of copied: `net/ipv4/tcp.c`, `tcp_mmap` and `tcp_zerocopy_receive`; one of the call
//! sites of linux-mm, September 2018 ("vm_insert_kmem_page"), and the one that is in no hook.
//!
//! mmap inserts nothing. A request from getsockopt names an address: whole pages of data that has arrived replace
//! what was mapped there; data that does not fill a page is left to be copied.
//!
//! What C does by hand: it looks the address up and knows its mappings by the address of `tcp_vm_ops`, so that any TCP
//! socket may receive into any other's. It counts what was mapped, pending and refused in four variables that are
//! corrected when a batch fails in the middle. Here the mapping is found by the type of its state, the state says whose
//! it is, and the error of a batch says how many pages are in.

use alloc::{collections::VecDeque, vec::Vec};
use core::ptr;

use vmctx::{
    Errno, EstablishedCtx, InsertPagesError, MaySleep, Mixed, PageCount, PageOffset, PageRange, PageRef, Platform,
    PrepareCtx, PrepareFile, Prepared, RwLock, UnlockedCtx, UserAddr, VmOperations,
};

/// How many pages are inserted in one go at most (`TCP_ZEROCOPY_PAGE_BATCH_SIZE`).
const BATCH: usize = 32;

/// Received data in one page.
pub struct Fragment<P: Platform> {
    page: P::Page,
    offset: usize,
    len: usize,
}

impl<P: Platform> Fragment<P> {
    /// `len` bytes from `offset` of the page on.
    ///
    /// # Errors
    /// EINVAL for none, and if they do not all lie in the page.
    pub fn new(page: P::Page, offset: usize, len: usize) -> Result<Self, Errno> {
        match offset.checked_add(len) {
            Some(end) if len != 0 && end <= P::PAGE_SIZE => Ok(Self { page, offset, len }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The page, if the data is all of it: `can_map_frag`.
    fn whole_page(&self) -> Option<&P::Page> {
        (self.len == P::PAGE_SIZE).then_some(&self.page)
    }
}

/// What a receive has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// How many bytes are mapped now, from the address on. Exactly these have left the queue.
    pub mapped: usize,
    /// How many bytes, next in the queue, cannot be mapped: they are to be [copied](Socket::copy) first.
    pub to_copy: usize,
}

/// A socket's receive queue.
pub struct Socket<P: Platform> {
    // `lock_sock`. No hook takes it, so the mmap lock may be waited for while it is held.
    queue: P::RwLock<VecDeque<Fragment<P>>>,
}

impl<P: Platform> Socket<P> {
    /// A socket that has received nothing yet.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { queue: P::RwLock::new(VecDeque::new(), may_sleep)? })
    }

    /// Data has arrived.
    ///
    /// # Errors
    /// ENOMEM; the data is dropped.
    pub fn arrive(&self, data: Fragment<P>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut queue = self.queue.write(may_sleep);
        queue.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        queue.push_back(data);
        Ok(())
    }

    /// How many bytes are in the queue (`SIOCINQ`).
    pub fn waiting(&self, may_sleep: MaySleep<'_>) -> usize {
        waiting(&self.queue.read(may_sleep))
    }

    /// Takes bytes out of the queue, as many as there are and fit.
    ///
    /// # Errors
    /// EIO for a page that cannot be read.
    pub fn copy(&self, into: &mut [u8], may_sleep: MaySleep<'_>) -> Result<usize, Errno> {
        let mut queue = self.queue.write(may_sleep);
        let mut done = 0;
        while let Some((rest, data)) = into.get_mut(done..).filter(|rest| !rest.is_empty()).zip(queue.front_mut()) {
            let len = rest.len().min(data.len);
            data.page.read(data.offset, rest.get_mut(..len).ok_or(Errno::EIO)?).map_err(|_| Errno::EIO)?;
            data.offset += len;
            data.len -= len;
            if data.len == 0 {
                queue.pop_front();
            }
            done += len;
        }
        Ok(done)
    }

    /// Maps whole pages of what is next in the queue, `length` bytes at most, at an address of the caller's where this
    /// socket is mapped. What was mapped there before is replaced.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, or where something else than this socket is mapped (in C it may be
    /// any other TCP socket); EFAULT where nothing is (in C: EINVAL). ENOMEM if not even one page could be mapped. If
    /// there is less than a page of data, the address is not looked at.
    pub fn receive(
        &self,
        unlocked: &mut UnlockedCtx<'_, P>,
        address: UserAddr,
        length: usize,
    ) -> Result<Received, Errno> {
        if address.get() % P::PAGE_SIZE != 0 {
            return Err(Errno::EINVAL);
        }
        let mut queue = self.queue.write(unlocked.may_sleep());
        let waiting = waiting(&queue);
        if waiting < P::PAGE_SIZE {
            return Ok(Received { mapped: 0, to_copy: waiting });
        }
        let mapping = unlocked.find::<Window<P>>(address)?;
        let window = mapping.state::<Window<P>>().ok_or(Errno::EINVAL)?;
        if !ptr::eq(&*window.socket, self) {
            return Err(Errno::EINVAL);
        }
        let at = mapping.pgoff_of(address).ok_or(Errno::EFAULT)?;
        let (pages, stopped) = map_front(&mapping, at, &mut queue, length / P::PAGE_SIZE);
        match stopped {
            Some(errno) if pages == 0 => Err(errno),
            _ => Ok(Received { mapped: pages * P::PAGE_SIZE, to_copy: unmappable(&queue) }),
        }
    }
}

fn waiting<P: Platform>(queue: &VecDeque<Fragment<P>>) -> usize {
    queue.iter().map(|data| data.len).sum()
}

/// How many bytes come before the next whole page.
fn unmappable<P: Platform>(queue: &VecDeque<Fragment<P>>) -> usize {
    queue.iter().take_while(|data| data.whole_page().is_none()).map(|data| data.len).sum()
}

/// Moves whole pages from the front of the queue into the mapping, `most` of them, as far as they go. How many, and
/// what stopped it: an error, or `None` for the end of the data.
fn map_front<P: Platform>(
    mapping: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    queue: &mut VecDeque<Fragment<P>>,
    most: usize,
) -> (usize, Option<Errno>) {
    let mut mapped = 0;
    let mut batch = Vec::new();
    if batch.try_reserve_exact(BATCH.min(most)).is_err() {
        return (0, Some(Errno::ENOMEM));
    }
    while mapped < most {
        batch.clear();
        batch.extend(queue.iter().map_while(Fragment::whole_page).take(BATCH.min(most - mapped)).cloned());
        if batch.is_empty() {
            break;
        }
        let Some(next) = at.checked_add(PageCount::new(mapped)) else { return (mapped, Some(Errno::EOVERFLOW)) };
        let (inserted, stopped) = match replace(mapping, next, &batch) {
            Ok(inserted) => (inserted.get(), None),
            Err(stopped) => (stopped.inserted.get(), Some(stopped.errno)),
        };
        // The mapping has its own references to the pages, so the queue's can go.
        queue.drain(..inserted);
        mapped += inserted;
        if stopped.is_some() {
            return (mapped, stopped);
        }
    }
    (mapped, None)
}

/// Inserts pages. If something was in place, all that their slots have is taken away, and they are inserted again. Nobody
/// fills the slots in between, because the queue is locked.
fn replace<P: Platform>(
    mapping: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    pages: &[P::Page],
) -> Result<PageCount, InsertPagesError> {
    let result = mapping.insert_pages(at, pages);
    let (inserted, passed) = match result {
        Ok(inserted) => (inserted.get(), pages.len()),
        Err(stopped) => (stopped.inserted.get(), stopped.inserted.get() + stopped.already_present.get()),
    };
    if inserted == passed {
        return result;
    }
    mapping.zap(at, PageCount::new(passed));
    mapping.insert_pages(at, pages)
}

/// A mapping of a socket: where it may receive. It has no fault hook; what was not received is a SIGBUS.
pub struct Window<P: Platform> {
    socket: P::Ref<Socket<P>>,
}

impl<P: Platform> VmOperations for Window<P> {
    type Platform = P;
    type Kind = Mixed;
}

/// The socket's file.
pub struct TcpZerocopy<P: Platform> {
    socket: P::Ref<Socket<P>>,
}

impl<P: Platform> TcpZerocopy<P> {
    /// The file of this socket.
    pub fn new(socket: P::Ref<Socket<P>>) -> Self {
        Self { socket }
    }
}

impl<P: Platform> PrepareFile for TcpZerocopy<P> {
    type Platform = P;
    type Ops = Window<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.read_only()?.no_exec()?.by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Window<P>>, Errno> {
        P::share(Window::<P> { socket: self.socket.clone() }, may_sleep)
    }
}
