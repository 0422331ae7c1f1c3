//! Messages that appear in the receiver's address space: `drivers/android/binder_alloc.c`, `binder_alloc_mmap_handler`,
//! `binder_install_single_page` and `binder_alloc_free_page`.
//!
//! A receiver maps its file once, and never writes there. Whoever sends it something does so from an ioctl in another
//! process: a buffer is found in the receiver's mapping, pages that it lacks are inserted, the bytes are copied. Pages
//! of freed buffers stay, in the order in which they were freed, for the next one, or for the shrinker to take.
//!
//! What C does by hand: it keeps a pointer to the VMA, which its `close` hook clears in time. The same driver in Rust
//! looked the VMA up by its address instead, took what it found for its own if it was binder's, and so inserted into
//! another file's mapping, which its user might write (CVE-2026-43434). Here the driver is given a [`Handle`] of its mapping:
//! where that mapping is gone, there is nothing to insert into, whatever lies at its address by now. And a shrinker may
//! only try, because it may be called with any lock held: all it can do is [`Handle::try_zap`].

use alloc::{collections::VecDeque, vec::Vec};
use core::ops::Range;

use vmctx::{
    Errno, Handle, MaySleep, Mixed, PageCount, PageOffset, PageRange, PageRef, Platform, PrepareCtx, PrepareFile,
    Prepared, RwLock, SpinLock, UnlockedCtx, VmOperations,
};

/// How much of a mapping is used at most (`SZ_4M`), in bytes. Behind that it stays empty.
pub const MOST: usize = 4 << 20;

/// To how many bytes buffers are aligned.
const ALIGN: usize = size_of::<u64>();

/// A process that receives.
pub struct Proc<P: Platform> {
    memory: P::Memory,
    // Hooks of mmap wait for this lock while they hold the mmap lock, so nobody may wait for the mmap lock with this
    // one held: users clone what is in it and let go.
    mapping: P::RwLock<Option<P::Ref<Receiving<P>>>>,
}

/// Where a process receives.
struct Receiving<P: Platform> {
    first: PageOffset,
    area: P::Ref<Area<P>>,
}

/// The state of the mapping. Without a fault hook: what nobody has sent is a SIGBUS.
pub struct Area<P: Platform> {
    /// The mapping's handle, from when it is given until somebody looks for it: who gives it must not wait for the
    /// content.
    given: P::SpinLock<Option<Handle<P, Mixed>>>,
    // No hook takes this lock, so the mmap lock may be waited for while it is held.
    content: P::RwLock<Content<P>>,
}

impl<P: Platform> VmOperations for Area<P> {
    type Platform = P;
    type Kind = Mixed;
}

impl<P: Platform> Area<P> {
    /// Its mapping has this handle. Until then nobody can send there.
    pub fn is_at(&self, handle: Handle<P, Mixed>) {
        *self.given.lock() = Some(handle);
    }

    /// The handle, which is fetched for good by whoever is the first to hold the content.
    fn locate<'h>(&self, fetched: &'h mut Option<Handle<P, Mixed>>) -> Option<&'h Handle<P, Mixed>> {
        if fetched.is_none() {
            *fetched = self.given.lock().take();
        }
        fetched.as_ref()
    }
}

struct Content<P: Platform> {
    handle: Option<Handle<P, Mixed>>,
    slots: Vec<Slot<P>>,
    /// Which bytes are taken, in order.
    buffers: Vec<Range<usize>>,
    /// The pages that no buffer is in, the first freed first.
    unused: VecDeque<usize>,
}

/// One page of the mapping.
struct Slot<P: Platform> {
    page: Option<P::Page>,
    /// How many buffers are in it.
    buffers: usize,
}

impl<P: Platform> Proc<P> {
    /// The area in which the process receives, now that it is mapped.
    ///
    /// # Errors
    /// EBUSY if it was mapped before, ENOMEM.
    pub fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Area<P>>, Errno> {
        let mut mapping = self.mapping.write(may_sleep);
        // A file is mapped once in its life, even if that mapping has gone since.
        if mapping.is_some() {
            return Err(Errno::EBUSY);
        }
        let pages = shown.page_count().get().min(MOST / P::PAGE_SIZE);
        let content = P::RwLock::new(Content::new(pages)?, may_sleep)?;
        let area = P::share(Area { given: P::SpinLock::new(None, may_sleep)?, content }, may_sleep)?;
        *mapping = Some(P::share(Receiving::<P> { first: shown.start, area: area.clone() }, may_sleep)?);
        Ok(area)
    }

    /// A process that has not mapped its file yet, whose pages come from `memory`.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { memory, mapping: P::RwLock::new(None, may_sleep)? })
    }

    /// Sends bytes: puts them where the process has its mapping, and says where, in bytes from its start.
    ///
    /// # Errors
    /// ESRCH if there is no mapping any more, or not at that place, or never was one; ENOSPC without a gap as large;
    /// ENOMEM.
    pub fn send(&self, unlocked: &mut UnlockedCtx<'_, P>, bytes: &[u8]) -> Result<usize, Errno> {
        let receiving = self.receiving(unlocked.may_sleep())?;
        let mut content = receiving.area.content.write(unlocked.may_sleep());
        let buffer = content.allocate(bytes.len())?;
        let start = buffer.start;
        let sent = self.install(unlocked, &receiving, &mut content, &buffer).and_then(|()| content.write(start, bytes));
        match sent {
            Ok(()) => Ok(start),
            Err(errno) => {
                content.free(start)?;
                Err(errno)
            }
        }
    }

    /// Inserts the pages of a buffer that are not there yet. If all are, the mapping has to be there all the same.
    fn install(
        &self,
        unlocked: &mut UnlockedCtx<'_, P>,
        receiving: &Receiving<P>,
        content: &mut Content<P>,
        buffer: &Range<usize>,
    ) -> Result<(), Errno> {
        let gone = |errno| if errno == Errno::EFAULT { Errno::ESRCH } else { errno };
        let Content { handle, slots, .. } = content;
        let mapping = receiving.area.locate(handle).ok_or(Errno::ESRCH)?.lock(unlocked).map_err(gone)?;
        for index in pages_of::<P>(buffer) {
            let slot = slots.get_mut(index).ok_or(Errno::ENOSPC)?;
            if slot.page.is_some() {
                continue;
            }
            let page = P::alloc_page(&self.memory, mapping.may_sleep())?;
            let at = receiving.first.checked_add(PageCount::new(index)).ok_or(Errno::ESRCH)?;
            mapping.insert_page(at, &page).map_err(gone)?;
            slot.page = Some(page);
        }
        Ok(())
    }

    /// The process is done with the buffer that begins there.
    ///
    /// # Errors
    /// EINVAL if none does.
    pub fn free(&self, start: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let receiving = self.receiving(may_sleep).map_err(|_| Errno::EINVAL)?;
        let mut content = receiving.area.content.write(may_sleep);
        content.free(start)
    }

    /// The shrinker: takes up to `most` pages that no buffer is in, those that were freed first. It waits for nobody;
    /// how many it got.
    pub fn shrink(&self, most: usize, may_sleep: MaySleep<'_>) -> usize {
        let Some(receiving) = self.mapping.try_read().and_then(|mapping| mapping.clone()) else { return 0 };
        let Some(mut content) = receiving.area.content.try_write() else { return 0 };
        let mut taken = 0;
        while let Some(index) = content.unused.front().copied().filter(|_| taken < most) {
            let Some(at) = receiving.first.checked_add(PageCount::new(index)) else { break };
            let Some(handle) = receiving.area.locate(&mut content.handle) else { break };
            match handle.try_zap(at, PageCount::new(1), may_sleep) {
                // If the mapping has gone, nobody sees the page any more: it can be taken as well.
                Ok(()) | Err(Errno::EFAULT | Errno::ESRCH) => {}
                Err(_) => break,
            }
            content.unused.pop_front();
            if let Some(slot) = content.slots.get_mut(index) {
                slot.page = None;
            }
            taken += 1;
        }
        taken
    }

    /// How many pages are there, with buffers in them or not.
    pub fn pages(&self, may_sleep: MaySleep<'_>) -> usize {
        let Ok(receiving) = self.receiving(may_sleep) else { return 0 };
        let content = receiving.area.content.read(may_sleep);
        content.slots.iter().filter(|slot| slot.page.is_some()).count()
    }

    fn receiving(&self, may_sleep: MaySleep<'_>) -> Result<P::Ref<Receiving<P>>, Errno> {
        self.mapping.read(may_sleep).clone().ok_or(Errno::ESRCH)
    }
}

/// The pages that bytes lie in.
fn pages_of<P: Platform>(bytes: &Range<usize>) -> Range<usize> {
    bytes.start / P::PAGE_SIZE..bytes.end.div_ceil(P::PAGE_SIZE)
}

impl<P: Platform> Content<P> {
    fn new(pages: usize) -> Result<Self, Errno> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(pages).map_err(|_| Errno::ENOMEM)?;
        slots.resize_with(pages, || Slot { page: None, buffers: 0 });
        Ok(Self { handle: None, slots, buffers: Vec::new(), unused: VecDeque::new() })
    }

    /// Takes the smallest gap that is large enough. Its pages are no longer unused.
    fn allocate(&mut self, len: usize) -> Result<Range<usize>, Errno> {
        let size = len.max(1).checked_next_multiple_of(ALIGN).ok_or(Errno::ENOSPC)?;
        let end = self.slots.len() * P::PAGE_SIZE;
        let starts = core::iter::once(0).chain(self.buffers.iter().map(|buffer| buffer.end));
        let ends = self.buffers.iter().map(|buffer| buffer.start).chain([end]);
        let gaps = starts.zip(ends).enumerate().filter(|(_, (start, end))| end - start >= size);
        let (at, (start, _)) = gaps.min_by_key(|(_, (start, end))| end - start).ok_or(Errno::ENOSPC)?;
        let buffer = start..start + size;
        self.buffers.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        // Room for freeing it is made now, because freeing must not fail.
        self.unused.try_reserve(self.slots.len()).map_err(|_| Errno::ENOMEM)?;
        self.buffers.insert(at, buffer.clone());
        let pages = pages_of::<P>(&buffer);
        for slot in self.slots.get_mut(pages.clone()).unwrap_or_default() {
            slot.buffers += 1;
        }
        self.unused.retain(|index| !pages.contains(index));
        Ok(buffer)
    }

    fn free(&mut self, start: usize) -> Result<(), Errno> {
        let at = self.buffers.iter().position(|buffer| buffer.start == start).ok_or(Errno::EINVAL)?;
        let buffer = self.buffers.remove(at);
        for index in pages_of::<P>(&buffer) {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            slot.buffers -= 1;
            if slot.buffers == 0 && slot.page.is_some() {
                self.unused.push_back(index);
            }
        }
        Ok(())
    }

    fn write(&self, start: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut at = start;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (part, left) = rest.split_at(rest.len().min(P::PAGE_SIZE - at % P::PAGE_SIZE));
            let page = self.slots.get(at / P::PAGE_SIZE).and_then(|slot| slot.page.as_ref()).ok_or(Errno::EIO)?;
            page.write(at % P::PAGE_SIZE, part).map_err(|_| Errno::EIO)?;
            at += part.len();
            rest = left;
        }
        Ok(())
    }
}

/// What a mapping is to be in which a process receives.
///
/// # Errors
/// EPERM if it is to be writable.
pub fn prepare<P: Platform>(ctx: PrepareCtx<'_, P>) -> Result<Prepared<'_, P, Mixed>, Errno> {
    ctx.read_only()?.dont_copy().by_faults()
}

/// A process's file.
pub struct Binder<P: Platform> {
    proc: P::Ref<Proc<P>>,
}

impl<P: Platform> Binder<P> {
    /// The file of this process.
    pub fn new(proc: P::Ref<Proc<P>>) -> Self {
        Self { proc }
    }
}

impl<P: Platform> PrepareFile for Binder<P> {
    type Platform = P;
    type Ops = Area<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        prepare(ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Area<P>>, Errno> {
        self.proc.mapped(shown, may_sleep)
    }

    fn handle(&self, area: &Area<P>, handle: Handle<P, Mixed>) {
        area.is_at(handle);
    }
}
