//! The rings of a packet socket: `net/packet/af_packet.c`, `packet_mmap`, `packet_set_ring`, `tpacket_rcv` and
//! `tpacket_snd` (one of the call sites of linux-mm, September 2018).
//!
//! A socket has a ring to receive and one to send, each of blocks of several pages, each block of frames. One mmap
//! shows all of them, one behind the other. A frame begins with a status, by which it goes to and fro between kernel
//! and user: whoever it belongs to may change it, and gives it away by the status, last. While the rings are mapped
//! they cannot be replaced.
//!
//! What C does by hand: it computes the length that the mapping must have, then walks rings, blocks and pages with an
//! address beside them, and on its word the two agree; it counts VMAs, and sets `vm_ops` after the last insertion,
//! because `close` must not count one that failed. Here an offset finds its page, and the count is the state's
//! ([`users`](crate::users)). Faults bring the pages, and not mmap: a prepare hook cannot hold the lock until the mapping
//! is filled, under which the rings stay what they are.

use alloc::vec::Vec;

use vmctx::{
    Errno, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, RwLock,
};

use crate::{
    buffer::Buffer,
    users::{Used, User, Users},
};

/// Bytes of a frame: its status and the packet. A page's part, so that no frame reaches over a page.
pub const FRAME: usize = 512;
/// Bytes of a packet, behind the status.
pub const PACKET: usize = 8;
/// Where in a frame the packet is.
pub const PACKET_AT: usize = 16;

/// A frame's status: the kernel's, in the ring that receives (`TP_STATUS_KERNEL`); the user's, in the ring that sends
/// (`TP_STATUS_AVAILABLE`).
pub const FREE: u8 = 0;
/// A frame's status: a packet for the user (`TP_STATUS_USER`), or of the user's to be sent
/// (`TP_STATUS_SEND_REQUEST`).
pub const FULL: u8 = 1;

/// A packet.
pub type Packet = [u8; PACKET];

/// Which ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The kernel fills it.
    Receive,
    /// The user fills it.
    Send,
}

/// A ring.
struct Ring<P: Platform> {
    blocks: Vec<Buffer<P>>,
    /// The frame that is next.
    head: usize,
}

impl<P: Platform> Ring<P> {
    fn alloc(memory: &P::Memory, blocks: usize, block: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let mut ring = Self { blocks: Vec::new(), head: 0 };
        ring.blocks.try_reserve_exact(blocks).map_err(|_| Errno::ENOMEM)?;
        for _ in 0..blocks {
            ring.blocks.push(Buffer::alloc(memory, block, may_sleep)?);
        }
        Ok(ring)
    }

    fn page_count(&self) -> usize {
        self.blocks.iter().map(|block| block.page_count().get()).sum()
    }

    /// Where the next frame is, if it has this status: the block, and the place in it in bytes.
    fn next_frame(&self, status: u8) -> Option<(&Buffer<P>, usize)> {
        let frames = |block: &Buffer<P>| block.page_count().get().saturating_mul(P::PAGE_SIZE) / FRAME;
        let mut frame = self.head;
        for block in &self.blocks {
            if frame < frames(block) {
                let mut found = [0];
                block.read(frame * FRAME, &mut found).ok()?;
                return (found == [status]).then_some((block, frame * FRAME));
            }
            frame -= frames(block);
        }
        None
    }

    fn advance(&mut self) {
        let frames = self.page_count().saturating_mul(P::PAGE_SIZE / FRAME);
        self.head = (self.head + 1).checked_rem(frames).unwrap_or(0);
    }
}

/// The rings as a mapping shows them.
struct Rings<P: Platform> {
    receive: Option<Ring<P>>,
    send: Option<Ring<P>>,
}

impl<P: Platform> Rings<P> {
    fn each(&self) -> impl Iterator<Item = &Ring<P>> {
        self.receive.iter().chain(&self.send)
    }

    fn of(&mut self, direction: Direction) -> &mut Option<Ring<P>> {
        match direction {
            Direction::Receive => &mut self.receive,
            Direction::Send => &mut self.send,
        }
    }
}

/// The rings, and how often they are mapped (`po->mapped`).
pub struct Shown<P: Platform> {
    rings: P::RwLock<Rings<P>>,
    users: Users,
}

impl<P: Platform> Used for Shown<P> {
    type Platform = P;

    fn users(&self) -> &Users {
        &self.users
    }

    fn page(&self, at: PageCount, may_sleep: MaySleep<'_>) -> Option<P::Page> {
        let rings = self.rings.read(may_sleep);
        rings.each().flat_map(|ring| &ring.blocks).flat_map(|block| block.pages()).nth(at.get()).cloned()
    }
}

/// A packet socket.
pub struct AfPacket<P: Platform> {
    memory: P::Memory,
    shown: P::Ref<Shown<P>>,
}

impl<P: Platform> AfPacket<P> {
    /// A socket without rings.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let rings = P::RwLock::new(Rings { receive: None, send: None }, may_sleep)?;
        Ok(Self { memory, shown: P::share(Shown { rings, users: Users::new() }, may_sleep)? })
    }

    /// Sets up a ring of so many blocks of so many pages, or takes it away if there are to be no blocks
    /// (`PACKET_RX_RING`, `PACKET_TX_RING`).
    ///
    /// # Errors
    /// EBUSY if the rings are mapped, or there is such a ring already; EINVAL for blocks without pages; ENOMEM.
    pub fn set_ring(
        &self,
        direction: Direction,
        blocks: usize,
        block: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<(), Errno> {
        let mut rings = self.shown.rings.write(may_sleep);
        if self.mapped() > 0 {
            return Err(Errno::EBUSY);
        }
        let ring = rings.of(direction);
        if blocks == 0 {
            *ring = None;
        } else if ring.is_some() {
            return Err(Errno::EBUSY);
        } else {
            *ring = Some(Ring::alloc(&self.memory, blocks, block, may_sleep)?);
        }
        Ok(())
    }

    /// In how many places the rings are mapped.
    pub fn mapped(&self) -> usize {
        self.shown.users.count()
    }

    /// A packet has come in: the user gets it in the next frame.
    ///
    /// # Errors
    /// ENOBUFS if that is still the user's: the packet is dropped. ENXIO without a ring.
    pub fn receive(&self, packet: Packet, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut rings = self.shown.rings.write(may_sleep);
        let ring = rings.receive.as_mut().ok_or(Errno::ENXIO)?;
        let (block, frame) = ring.next_frame(FREE).ok_or(Errno::ENOBUFS)?;
        block.write(frame + PACKET_AT, &packet)?;
        // The status comes last: from here on the frame is the user's.
        block.write(frame, &[FULL])?;
        ring.advance();
        Ok(())
    }

    /// Sends the packet in the next frame.
    ///
    /// # Errors
    /// EAGAIN if the user has put none there, ENXIO without a ring.
    pub fn send(&self, may_sleep: MaySleep<'_>) -> Result<Packet, Errno> {
        let mut rings = self.shown.rings.write(may_sleep);
        let ring = rings.send.as_mut().ok_or(Errno::ENXIO)?;
        let (block, frame) = ring.next_frame(FULL).ok_or(Errno::EAGAIN)?;
        let mut packet = [0; PACKET];
        block.read(frame + PACKET_AT, &mut packet)?;
        block.write(frame, &[FREE])?;
        ring.advance();
        Ok(packet)
    }
}

impl<P: Platform> Rings<P> {
    /// Whether a mapping of so many pages from here on shows all of them.
    fn are_all(&self, first: PageOffset, count: PageCount) -> Result<(), Errno> {
        let pages = self.each().map(Ring::page_count).sum::<usize>();
        if first == PageOffset::ZERO && count.get() == pages { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl<P: Platform> PrepareFile for AfPacket<P> {
    type Platform = P;
    type Ops = User<P, Shown<P>>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.shown.rings.read(ctx.may_sleep()).are_all(ctx.pgoff(), ctx.page_count())?;
        ctx.writable().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        // Held until the mapping is counted, so that nobody replaces the rings before that.
        let rings = self.shown.rings.read(may_sleep);
        rings.are_all(shown.start, shown.page_count())?;
        let user = User::<P, _>::new(self.shown.clone(), shown.start);
        drop(rings);
        P::share(user, may_sleep)
    }
}
