//! The packet buffer of an isochronous FireWire stream: `drivers/firewire/core-cdev.c`, `fw_device_op_mmap`, and
//! `drivers/firewire/core-iso.c`, `fw_iso_buffer_alloc` (one of the call sites of linux-mm, September 2018).
//!
//! The mmap hook allocates the buffer, as long as the user wants it; a client has one. The controller reads it or
//! writes it, as the stream goes: the direction of the DMA.
//!
//! What C does by hand: it frees the buffer with the file, so that a user who unmaps it gets EBUSY from there on, and
//! it lets a listener write into what the controller writes. Its failing path gives back pages that the half-made
//! mapping still shows, which is good only because each insertion has taken a reference. Here the buffer is in use as
//! long as it is mapped, what is received is read-only, and a failed mmap drops the state after the pages are gone.
//!
//! This one keeps its mmap hook: which way the buffer goes follows from the mapping's rights, and who makes the buffer
//! after a [prepare hook](vmctx::PrepareFile), in `mapped`, is not told of them.

use vmctx::{Errno, Mapped, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset, Platform, RwLock};

use crate::{
    buffer::Buffer,
    users::{Used, User, Users},
};

/// Which way the stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The controller sends what the user has written (`DMA_TO_DEVICE`).
    Transmit,
    /// The controller writes what the user is to read (`DMA_FROM_DEVICE`).
    Receive,
}

/// The packets, and which way they go.
struct Packets<P: Platform> {
    buffer: Buffer<P>,
    direction: Direction,
    users: Users,
}

impl<P: Platform> Used for Packets<P> {
    type Platform = P;

    fn users(&self) -> &Users {
        &self.users
    }

    fn page(&self, at: PageCount, _: MaySleep<'_>) -> Option<P::Page> {
        self.buffer.page(PageOffset::new(at.get())).cloned()
    }
}

/// A client of a node: an open file.
pub struct FirewireIso<P: Platform> {
    memory: P::Memory,
    stream: P::RwLock<Stream<P>>,
}

struct Stream<P: Platform> {
    /// The isochronous context, once there is one.
    context: Option<Direction>,
    packets: Option<P::Ref<Packets<P>>>,
}

impl<P: Platform> Stream<P> {
    /// The buffer, if somebody has it mapped.
    fn in_use(&self) -> Option<&Packets<P>> {
        self.packets.as_deref().filter(|packets| packets.users.count() > 0)
    }
}

impl<P: Platform> FirewireIso<P> {
    /// A client without a stream.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let stream = P::RwLock::new(Stream { context: None, packets: None }, may_sleep)?;
        Ok(Self { memory, stream })
    }

    /// Creates the isochronous context (`FW_CDEV_IOC_CREATE_ISO_CONTEXT`), or with `None` destroys it, and with it a
    /// buffer that nobody has mapped any more.
    ///
    /// # Errors
    /// EBUSY if there is one, EINVAL if the buffer is mapped for the other direction.
    pub fn set_context(&self, context: Option<Direction>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut stream = self.stream.write(may_sleep);
        if let Some(direction) = context {
            if stream.context.is_some() {
                return Err(Errno::EBUSY);
            }
            if stream.in_use().is_some_and(|packets| packets.direction != direction) {
                return Err(Errno::EINVAL);
            }
        }
        stream.context = context;
        if context.is_none() && stream.in_use().is_none() {
            stream.packets = None;
        }
        Ok(())
    }

    /// The controller writes packets, `offset` bytes from the start of the buffer.
    ///
    /// # Errors
    /// EIO where it only reads, EINVAL outside the buffer, EAGAIN while the buffer is made.
    pub fn receive(&self, offset: usize, packets: &[u8]) -> Result<(), Errno> {
        match self.stream.try_read().ok_or(Errno::EAGAIN)?.packets.as_deref() {
            Some(Packets { direction: Direction::Transmit, .. }) => Err(Errno::EIO),
            Some(to) => to.buffer.write(offset, packets),
            None => Err(Errno::EINVAL),
        }
    }

    /// The controller reads packets, `offset` bytes from the start of the buffer.
    ///
    /// # Errors
    /// EINVAL outside the buffer, EAGAIN while the buffer is made.
    pub fn transmit(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let stream = self.stream.try_read().ok_or(Errno::EAGAIN)?;
        stream.packets.as_deref().ok_or(Errno::EINVAL)?.buffer.read(offset, into)
    }
}

impl<P: Platform> MmapFile for FirewireIso<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let mut stream = self.stream.write(ctx.may_sleep());
        if stream.in_use().is_some() {
            return Err(Errno::EBUSY);
        }
        let mut ctx = ctx.shared_only()?;
        // Until there is a context, the mapping's rights say which way the stream will go.
        let by_rights = if ctx.is_writable() { Direction::Transmit } else { Direction::Receive };
        let direction = stream.context.unwrap_or(by_rights);
        let ctx = if direction == Direction::Receive { ctx.read_only()? } else { ctx.writable() };
        let buffer = Buffer::alloc(&self.memory, ctx.page_count(), ctx.may_sleep())?;
        let packets = P::share(Packets { buffer, direction, users: Users::new() }, ctx.may_sleep())?;
        let user = User::<P, _>::new(packets.clone(), ctx.pgoff());
        let mapped = ctx.establish(user)?.fill_from_first(packets.buffer.pages())?;
        stream.packets = Some(packets);
        Ok(mapped)
    }
}
