//! Video buffers of scattered pages: `drivers/media/common/videobuf2/videobuf2-dma-sg.c`, `vb2_dma_sg_mmap` (one of the
//! call sites of linux-mm, September 2018), below `videobuf2-core.c`, `vb2_mmap` and `vb2_core_reqbufs`.
//!
//! A queue has buffers, and a buffer has planes. Each plane is mapped by its cookie, an offset that says which one it
//! is and nothing about what lies where. Buffers that somebody has mapped are not freed: `VIDIOC_REQBUFS` is EBUSY
//! then, as it was in 2018 (today they are orphaned, and freed with the last user).
//!
//! What C does by hand: it sets `vm_pgoff` to 0, so that the common helper does not take the cookie for an offset;
//! flags follow after the insertion; and it calls its own `open` to begin the count. Here the state knows at which cookie
//! its plane begins, and counts ([`users`](crate::users)). Faults bring the pages, and not mmap: a prepare hook cannot
//! hold the lock until the mapping is filled, under which the plane is found.

use alloc::vec::Vec;

use vmctx::{
    Errno, MaySleep, Mixed, Mutex, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
};

use crate::{
    buffer::Buffer,
    users::{Used, User, Users},
};

/// How many planes a buffer can have, a power of two: the cookie of the next buffer's first plane is that far away.
pub const MAX_PLANES: usize = 8;

/// Whose pixels these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueType {
    /// The device's: the user reads them.
    Capture,
    /// The user's, who must be able to write them.
    Output,
}

/// A plane of a buffer.
pub struct Plane<P: Platform> {
    pages: Buffer<P>,
    users: Users,
}

impl<P: Platform> Used for Plane<P> {
    type Platform = P;

    fn users(&self) -> &Users {
        &self.users
    }

    fn page(&self, at: PageCount, _: MaySleep<'_>) -> Option<P::Page> {
        self.pages.page(PageOffset::new(at.get())).cloned()
    }
}

/// The planes of a buffer.
type Planes<P> = Vec<<P as Platform>::Ref<Plane<P>>>;

/// A queue of video buffers.
pub struct Videobuf2<P: Platform> {
    memory: P::Memory,
    queue_type: QueueType,
    /// How long each plane of a buffer is.
    planes: &'static [PageCount],
    buffers: P::Mutex<Vec<Planes<P>>>,
}

impl<P: Platform> Videobuf2<P> {
    /// A queue without buffers. Those to come will have such planes.
    ///
    /// # Errors
    /// EINVAL for more than [`MAX_PLANES`], ENOMEM.
    pub fn new(
        memory: P::Memory,
        queue_type: QueueType,
        planes: &'static [PageCount],
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        if planes.len() > MAX_PLANES {
            return Err(Errno::EINVAL);
        }
        Ok(Self { memory, queue_type, planes, buffers: P::Mutex::new(Vec::new(), may_sleep)? })
    }

    /// Frees all buffers and allocates `count` others, of zeros (`VIDIOC_REQBUFS`).
    ///
    /// # Errors
    /// EBUSY if one is mapped, and nothing has changed; ENOMEM, and there are no buffers then.
    pub fn request_buffers(&self, count: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut buffers = self.buffers.lock(may_sleep);
        if buffers.iter().flatten().any(|plane| plane.users.count() > 0) {
            return Err(Errno::EBUSY);
        }
        buffers.clear();
        let mut fresh = Vec::new();
        fresh.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        for _ in 0..count {
            fresh.push(self.alloc_planes(may_sleep)?);
        }
        *buffers = fresh;
        Ok(())
    }

    fn alloc_planes(&self, may_sleep: MaySleep<'_>) -> Result<Planes<P>, Errno> {
        let mut planes = Vec::new();
        planes.try_reserve_exact(self.planes.len()).map_err(|_| Errno::ENOMEM)?;
        for pages in self.planes {
            let pages = Buffer::alloc(&self.memory, *pages, may_sleep)?;
            planes.push(P::share(Plane { pages, users: Users::new() }, may_sleep)?);
        }
        Ok(planes)
    }

    /// In how many places the plane with this cookie is mapped.
    ///
    /// # Errors
    /// EINVAL if there is no such plane.
    pub fn users(&self, cookie: PageOffset, may_sleep: MaySleep<'_>) -> Result<usize, Errno> {
        find::<P>(&self.buffers.lock(may_sleep), cookie).map(|plane| plane.users.count())
    }

    /// What the device does to a plane by DMA: calls this with its memory.
    ///
    /// # Errors
    /// EINVAL if there is no such plane, EAGAIN while buffers are requested; else what is passed on.
    pub fn dma(&self, cookie: PageOffset, transfer: impl FnOnce(&Buffer<P>) -> Result<(), Errno>) -> Result<(), Errno> {
        transfer(&find::<P>(&self.buffers.try_lock().ok_or(Errno::EAGAIN)?, cookie)?.pages)
    }
}

/// The offset at which a plane is mapped (`__setup_offsets`).
#[must_use]
pub const fn cookie(buffer: usize, plane: usize) -> PageOffset {
    PageOffset::new(buffer * MAX_PLANES + plane)
}

/// The plane with this cookie (`__find_plane_by_offset`).
fn find<P: Platform>(buffers: &[Planes<P>], cookie: PageOffset) -> Result<&P::Ref<Plane<P>>, Errno> {
    let buffer = buffers.get(cookie.index() / MAX_PLANES).ok_or(Errno::EINVAL)?;
    buffer.get(cookie.index() % MAX_PLANES).ok_or(Errno::EINVAL)
}

impl<P: Platform> Videobuf2<P> {
    /// Calls `found` with the plane, if it can be mapped so long. Nobody frees it meanwhile.
    fn find<R>(
        &self,
        cookie: PageOffset,
        count: PageCount,
        may_sleep: MaySleep<'_>,
        found: impl FnOnce(&P::Ref<Plane<P>>) -> R,
    ) -> Result<R, Errno> {
        let buffers = self.buffers.lock(may_sleep);
        let plane = find::<P>(&buffers, cookie)?;
        if count > plane.pages.page_count() { Err(Errno::EINVAL) } else { Ok(found(plane)) }
    }
}

impl<P: Platform> PrepareFile for Videobuf2<P> {
    type Platform = P;
    type Ops = User<P, Plane<P>>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let mut ctx = ctx.shared_only()?;
        if self.queue_type == QueueType::Output && !ctx.is_writable() {
            return Err(Errno::EINVAL);
        }
        self.find(ctx.pgoff(), ctx.page_count(), ctx.may_sleep(), |_| ())?;
        ctx.writable().dont_dump().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        let user = self
            .find(shown.start, shown.page_count(), may_sleep, |plane| User::<P, _>::new(plane.clone(), shown.start))?;
        P::share(user, may_sleep)
    }
}
