//! Graphics objects that migrate while they are mapped: linux-mm, May 2007 ("In the DRI, the need is to have
//! objects/textures that can transparently migrate between main memory, AGP, and video memory"), where it was to be;
//! `drivers/gpu/drm/ttm/ttm_bo_vm.c`, `ttm_bo_vm_fault_reserved`, which it has become.
//!
//! An object is in RAM, behind the AGP aperture, or in video memory, of which the processor sees only the beginning. A
//! touch of an object that it cannot see moves it to where it can.
//!
//! What C does by hand: each step of the fault has its own way from an errno to a fault code. A failed first insertion
//! is answered with NOPAGE, so the access is repeated for ever (`ttm_bo_vm.c`, line 266). That objects move only under
//! the lock that faults take, and are unmapped then, is in comments; which address shows which page, in a difference of
//! four terms. Here each object is a [`Revocable`] on the one object that the device's files map; having moved is the
//! evidence with which a fault may ask to be repeated.

use alloc::vec::Vec;
use core::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem, MaySleep, PageCount, PageOffset, PageProt, PageRange, PfnMap,
    Platform, PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, VmFault, VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// How many pages a fault brings at most, its own the first (`TTM_BO_VM_NUM_PREFAULT`).
pub const FAULT_AROUND: usize = 16;

/// Memory for objects: the aperture, or video memory.
pub struct Heap<P: Platform> {
    memory: P::Iomem,
    /// By page.
    taken: Vec<AtomicBool>,
    /// How many of its pages the processor sees, from the first on.
    visible: usize,
}

impl<P: Platform> Heap<P> {
    /// A heap of this memory, of which the processor sees the first pages.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Iomem, visible: PageCount) -> Result<Self, Errno> {
        let mut taken = Vec::new();
        taken.try_reserve_exact(memory.count().get()).map_err(|_| Errno::ENOMEM)?;
        taken.resize_with(memory.count().get(), AtomicBool::default);
        Ok(Self { visible: visible.get().min(memory.count().get()), memory, taken })
    }

    /// Takes the first gap of `count` pages in this part of the heap.
    fn reserve(heap: &P::Ref<Self>, count: PageCount, part: Range<usize>) -> Result<Reserved<P>, Errno> {
        let last = part.end.checked_sub(count.get()).ok_or(Errno::ENOSPC)?;
        (part.start..=last).find_map(|first| Reserved::claim(heap, first..first + count.get())).ok_or(Errno::ENOSPC)
    }
}

/// Pages of a heap, given back when dropped.
struct Reserved<P: Platform> {
    heap: P::Ref<Heap<P>>,
    pages: Range<usize>,
}

impl<P: Platform> Reserved<P> {
    /// All of these pages, or none.
    fn claim(heap: &P::Ref<Heap<P>>, pages: Range<usize>) -> Option<Self> {
        let mut claimed = Self { heap: heap.clone(), pages: pages.start..pages.start };
        for page in pages {
            if heap.taken.get(page)?.swap(true, Ordering::AcqRel) {
                return None;
            }
            claimed.pages.end = page + 1;
        }
        Some(claimed)
    }

    fn is_visible(&self) -> bool {
        self.pages.end <= self.heap.visible
    }

    fn byte(&self, offset: usize) -> usize {
        self.pages.start * P::PAGE_SIZE + offset
    }
}

impl<P: Platform> Drop for Reserved<P> {
    fn drop(&mut self) {
        for page in self.heap.taken.get(self.pages.clone()).unwrap_or_default() {
            page.store(false, Ordering::Release);
        }
    }
}

/// Where an object is.
enum Place<P: Platform> {
    System(Buffer<P>),
    Card(Reserved<P>),
}

impl<P: Platform> Place<P> {
    fn is_visible(&self) -> bool {
        match self {
            Self::System(_) => true,
            Self::Card(pages) => pages.is_visible(),
        }
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match self {
            Self::System(pages) => pages.read(offset, into),
            Self::Card(pages) => pages.heap.memory.read(pages.byte(offset), into).map_err(|_| Errno::EINVAL),
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match self {
            Self::System(pages) => pages.write(offset, from),
            Self::Card(pages) => pages.heap.memory.write(pages.byte(offset), from).map_err(|_| Errno::EINVAL),
        }
    }
}

impl<P: Platform> Backing for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let spot = match self {
            Self::System(pages) => pages.page(PageOffset::new(at.get())).map(Spot::Page),
            Self::Card(pages) if pages.is_visible() => {
                pages.heap.memory.frame(PageOffset::new(pages.pages.start + at.get())).map(Spot::Frame)
            }
            Self::Card(_) => None,
        };
        spot.ok_or(Errno::EFAULT)
    }

    fn page_prot(&self, _: PageCount, mapping: PageProt) -> PageProt {
        match self {
            Self::System(_) => mapping.write_back(),
            Self::Card(_) => mapping.write_combine(),
        }
    }
}

/// Where an object can be moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// RAM.
    System,
    /// Behind the aperture.
    Aperture,
    /// The part of video memory that the processor sees.
    Video,
    /// The part of it that only the card sees.
    HiddenVideo,
}

/// What a card has beside RAM.
pub struct Heaps<P: Platform> {
    /// Where RAM comes from.
    pub system: P::Memory,
    /// The aperture.
    pub aperture: P::Ref<Heap<P>>,
    /// Video memory.
    pub video: P::Ref<Heap<P>>,
}

impl<P: Platform> Heaps<P> {
    fn place(&self, domain: Domain, count: PageCount, may_sleep: MaySleep<'_>) -> Result<Place<P>, Errno> {
        let (heap, part) = match domain {
            Domain::System => return Buffer::alloc(&self.system, count, may_sleep).map(Place::System),
            Domain::Aperture => (&self.aperture, 0..self.aperture.visible),
            Domain::Video => (&self.video, 0..self.video.visible),
            Domain::HiddenVideo => (&self.video, self.video.visible..self.video.taken.len()),
        };
        Heap::reserve(heap, count, part).map(Place::Card)
    }
}

/// An object.
pub struct Object<P: Platform> {
    memory: Revocable<P, Place<P>>,
    heaps: P::Ref<Heaps<P>>,
}

impl<P: Platform> Object<P> {
    /// An object in RAM, with what is in `content`, mapped at `fake_offset` of what these mappings are of.
    ///
    /// # Errors
    /// EINVAL for an offset that it does not fit behind; ENOMEM.
    pub fn new(
        heaps: P::Ref<Heaps<P>>,
        content: Buffer<P>,
        mappings: &SharedObject<P>,
        fake_offset: PageOffset,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let count = content.page_count();
        let object = mappings.part(fake_offset, count)?;
        let memory = Revocable::new(Place::System(content), &object, count, may_sleep)?;
        Ok(Self { memory, heaps })
    }

    /// Moves it. Its users see nothing of that but a fault.
    ///
    /// # Errors
    /// ENOSPC if there is no room beside where it is now, ENOMEM; it then stays there.
    pub fn move_to(&self, domain: Domain, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        if self.domain(may_sleep) == domain {
            return Ok(());
        }
        let place = self.heaps.place(domain, self.memory.page_count(), may_sleep)?;
        self.move_into(place, false, may_sleep)
    }

    /// Moves it to where the processor sees it, wherever there is room. Somebody else may be faster.
    fn bring_into_view(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut places = [Domain::Aperture, Domain::Video, Domain::System].into_iter();
        let place = loop {
            let domain = places.next().ok_or(Errno::ENOSPC)?;
            match self.heaps.place(domain, self.memory.page_count(), may_sleep) {
                Err(Errno::ENOSPC) => {}
                place => break place?,
            }
        };
        self.move_into(place, true, may_sleep)
    }

    fn move_into(&self, to: Place<P>, only_if_hidden: bool, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut place = self.memory.revoke(may_sleep);
        if only_if_hidden && place.is_visible() {
            return Ok(());
        }
        let bytes = self.memory.page_count().get() * P::PAGE_SIZE;
        copy_bytes(bytes, |at, bytes| place.read(at, bytes), |at, bytes| to.write(at, bytes))?;
        // The old place is given back only now that nobody has its pages mapped.
        *place = to;
        Ok(())
    }

    /// Where it is.
    pub fn domain(&self, may_sleep: MaySleep<'_>) -> Domain {
        match &*self.memory.resident(may_sleep) {
            Place::System(_) => Domain::System,
            Place::Card(pages) if pages.heap.memory.base() == self.heaps.aperture.memory.base() => Domain::Aperture,
            Place::Card(pages) if pages.is_visible() => Domain::Video,
            Place::Card(_) => Domain::HiddenVideo,
        }
    }

    /// Reads it wherever it is, as the card does.
    ///
    /// # Errors
    /// EINVAL outside it; EAGAIN while it moves.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.memory.try_resident().ok_or(Errno::EAGAIN)?.read(offset, into)
    }

    /// Writes it wherever it is, as the card does.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.memory.try_resident().ok_or(Errno::EAGAIN)?.write(offset, from)
    }
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(object.memory.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let resident = self.memory.resident(ctx.may_sleep());
        if !resident.is_visible() {
            let epoch = resident.epoch(&ctx);
            drop(resident);
            let brought = self.bring_into_view(ctx.may_sleep());
            return match (epoch.resident(ctx.may_sleep()), brought) {
                (Err(moved), _) => ctx.refault(moved),
                (Ok(resident), Ok(())) => resident.insert(ctx),
                (Ok(_), Err(errno)) => ctx.fail(errno),
            };
        }
        for step in 1..FAULT_AROUND {
            let Some(at) = ctx.pgoff().checked_add(PageCount::new(step)) else { break };
            if !resident.prefault(&mut ctx, at).is_present() {
                break;
            }
        }
        resident.insert(ctx)
    }
}

/// The device.
pub struct Drm<P: Platform> {
    objects: Vec<P::Ref<Object<P>>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Drm<P> {
    /// A device with these objects, which are mapped at their fake offsets, through these mappings.
    pub fn new(objects: Vec<P::Ref<Object<P>>>, mappings: SharedObject<P>) -> Self {
        Self { objects, mappings }
    }

    fn find(&self, at: PageOffset) -> Result<&P::Ref<Object<P>>, Errno> {
        self.objects.iter().find(|object| object.memory.object().contains(at)).ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> PrepareFile for Drm<P> {
    type Platform = P;
    type Ops = Object<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let object = self.find(ctx.pgoff())?;
        ctx.rebase(object.memory.object())?.io().writable().dont_dump().by_faults()
    }

    fn mapped(&self, shown: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Object<P>>, Errno> {
        self.find(shown.start).cloned()
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.mappings)
    }
}
