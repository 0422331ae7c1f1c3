//! A USB video grabber: `drivers/media/usb/usbvision/usbvision-video.c`, `usbvision_mmap`, as it was when linux-mm
//! spoke of it in September 2018 (the driver has been removed since).
//!
//! Its frames lie one behind the other in one piece of `vmalloc` memory, each as long as the largest frame. The user
//! maps one frame, whole, to write as well. The device can be unplugged, and can be given other frames.
//!
//! What C got wrong or did by hand: it looked for the frame by multiplying, frame by frame; asked `vmalloc_to_page` for
//! each page; and answered EAGAIN to whatever the insertion had said. Requesting frames anew freed the old ones under
//! whoever had them mapped: the pages stayed, nobody would ever fill them again, and nobody was told. Only one user
//! could open it, which is how it counted: an unplugged device was freed by the last close. Here a mapping keeps its
//! frames, they cannot be replaced while it does, and the last mapping is a user as well. Faults bring them, and not
//! mmap: a prepare hook cannot hold the lock until the mapping is filled, under which they are found.

use core::sync::atomic::{AtomicBool, Ordering};

use vmctx::{
    Errno, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, RwLock,
};

use crate::{
    buffer::Buffer,
    users::{Used, User, Users},
};

/// The frames, one behind the other.
pub struct Frames<P: Platform> {
    area: Buffer<P>,
    users: Users,
}

impl<P: Platform> Used for Frames<P> {
    type Platform = P;

    fn users(&self) -> &Users {
        &self.users
    }

    fn page(&self, at: PageCount, _: MaySleep<'_>) -> Option<P::Page> {
        self.area.page(PageOffset::new(at.get())).cloned()
    }
}

/// The grabber.
pub struct Usbvision<P: Platform> {
    memory: P::Memory,
    frame: PageCount,
    frames: P::RwLock<Option<P::Ref<Frames<P>>>>,
    unplugged: AtomicBool,
}

impl<P: Platform> Usbvision<P> {
    /// A grabber whose frames have so many pages at most. It has none yet.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Memory, frame: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { memory, frame, frames: P::RwLock::new(None, may_sleep)?, unplugged: AtomicBool::new(false) })
    }

    /// Allocates `count` frames of zeros instead of those there are (`VIDIOC_REQBUFS`).
    ///
    /// # Errors
    /// EBUSY if one is mapped, EINVAL for none, ENOMEM; nothing has changed then. ENODEV if it is unplugged.
    pub fn request_frames(&self, count: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut frames = self.frames.write(may_sleep);
        if self.unplugged.load(Ordering::Acquire) {
            return Err(Errno::ENODEV);
        }
        if frames.as_ref().is_some_and(|frames| frames.users.count() > 0) {
            return Err(Errno::EBUSY);
        }
        let pages = count.checked_mul(self.frame.get()).ok_or(Errno::ENOMEM)?;
        let area = Buffer::alloc(&self.memory, PageCount::new(pages), may_sleep)?;
        *frames = Some(P::share(Frames { area, users: Users::new() }, may_sleep)?);
        Ok(())
    }

    /// The plug is pulled. What is mapped stays so.
    pub fn unplug(&self, may_sleep: MaySleep<'_>) {
        // The lock is held so that no mapping is made meanwhile.
        let _frames = self.frames.write(may_sleep);
        self.unplugged.store(true, Ordering::Release);
    }

    /// Frees the frames if the device is gone and nobody is at them (`usbvision_release`); whether that is so.
    pub fn release(&self, may_sleep: MaySleep<'_>) -> bool {
        let mut frames = self.frames.write(may_sleep);
        let released =
            self.unplugged.load(Ordering::Acquire) && frames.as_ref().is_none_or(|frames| frames.users.count() == 0);
        if released {
            *frames = None;
        }
        released
    }

    /// What the grabber does with its frames: calls this with their memory.
    ///
    /// # Errors
    /// EINVAL without frames, EAGAIN while they are requested; else what is passed on.
    pub fn grab(&self, transfer: impl FnOnce(&Buffer<P>) -> Result<(), Errno>) -> Result<(), Errno> {
        transfer(&self.frames.try_read().ok_or(Errno::EAGAIN)?.as_ref().ok_or(Errno::EINVAL)?.area)
    }
}

impl<P: Platform> Usbvision<P> {
    /// Calls `found` with the frames, if a mapping can show so many pages from this one on. Nobody replaces them
    /// meanwhile.
    fn find<R>(
        &self,
        first: PageOffset,
        count: PageCount,
        may_sleep: MaySleep<'_>,
        found: impl FnOnce(&P::Ref<Frames<P>>) -> R,
    ) -> Result<R, Errno> {
        let frames = self.frames.read(may_sleep);
        if self.unplugged.load(Ordering::Acquire) {
            return Err(Errno::EFAULT);
        }
        let frames = frames.as_ref().ok_or(Errno::EINVAL)?;
        let at_a_frame = first.index().checked_rem(self.frame.get()) == Some(0) && frames.area.page(first).is_some();
        if count != self.frame || !at_a_frame {
            return Err(Errno::EINVAL);
        }
        Ok(found(frames))
    }
}

impl<P: Platform> PrepareFile for Usbvision<P> {
    type Platform = P;
    type Ops = User<P, Frames<P>>;

    fn mmap_prepare<'m>(&'m self, mut ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.find(ctx.pgoff(), ctx.page_count(), ctx.may_sleep(), |_| ())?;
        if !ctx.is_writable() {
            return Err(Errno::EINVAL);
        }
        ctx.io().writable().dont_dump().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        let user = self.find(shown.start, shown.page_count(), may_sleep, |frames| {
            User::<P, _>::new(frames.clone(), PageOffset::ZERO)
        })?;
        P::share(user, may_sleep)
    }
}
