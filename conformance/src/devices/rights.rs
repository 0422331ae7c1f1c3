//! No driver of somebody's, but a probe: every way in which something is inserted, of pages and of frames, in mappings
//! that users may write and in such that they may not. The memory is one of the objects that the file could show, so the
//! offsets of all hooks and handles count from it, and the user's from the start of the file.

use alloc::vec::Vec;
use core::{
    ops::Deref,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{
    Errno, EstablishedCtx, FaultCtx, FrameSource, Handle, Hooks, MapPagesCtx, Mapped, Mixed, MmapCtx, MmapFile, Normal,
    PageCount, PageMkwriteCtx, PageOffset, PfnMap, PfnMkwriteCtx, Platform, Prefault, Remapped, RwLock, SharedObject,
    UnlockedCtx, VmFault, VmOperations,
};

use super::host::{Host, Opened, Own, Shared, Side, buffer, registers};
use vmctx_drivers::buffer::Buffer;

/// Pages of the memory, of either sort: the same bytes are in both. Behind them the device has as many decoys, pages of
/// other bytes that no mapping may show.
pub const PAGES: usize = 6;

/// Where the memory begins in the file.
pub const BASE: PageOffset = PageOffset::new(21);

/// A way in which something is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `vm_map_pages`, at mmap.
    PagesAtMmap,
    /// `vmf_insert_page`, in a fault.
    PageInFault,
    /// `vm_insert_pages` beside the page of a fault, over slots that are filled.
    PageBesideFault,
    /// In `map_pages`.
    PageAroundLoad,
    /// `vm_insert_pages` into an established mapping, on request, over slots that are filled.
    PageOnRequest,
    /// `vmf_insert_page`, with first stores told.
    PageTold,
    /// `vmf->page`: handed back.
    Delivered,
    /// The same, with first stores told.
    DeliveredTold,
    /// `vmf_insert_mixed` of a device's frame, in a fault.
    MixedInFault,
    /// The same, with first stores told, which make the entry writable at once.
    MixedTold,
    /// `remap_pfn_range` of a part, at mmap.
    FramesAtMmap,
    /// `remap_pfn_range` of all, at mmap.
    Remapped,
    /// `vmf_insert_pfn`, in a fault.
    FrameInFault,
    /// `vmf_insert_pfn_prot` with a cache attribute of its own, in a fault.
    FrameCached,
    /// `vmf_insert_pfn` into an established mapping, on request.
    FrameOnRequest,
    /// `vmf_insert_pfn`, with first stores told.
    FrameTold,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::PagesAtMmap,
        Self::PageInFault,
        Self::PageBesideFault,
        Self::PageAroundLoad,
        Self::PageOnRequest,
        Self::PageTold,
        Self::Delivered,
        Self::DeliveredTold,
        Self::MixedInFault,
        Self::MixedTold,
        Self::FramesAtMmap,
        Self::Remapped,
        Self::FrameInFault,
        Self::FrameCached,
        Self::FrameOnRequest,
        Self::FrameTold,
    ];

    /// Whether pages are behind the mapping, and not a device's frames.
    #[must_use]
    pub const fn is_of_pages(self) -> bool {
        (self as u8) < Self::MixedInFault as u8
    }

    /// Whether the mapping is a [`PfnMap`], which cannot be copied privately.
    #[must_use]
    pub const fn is_by_number(self) -> bool {
        !self.is_of_pages() && !matches!(self, Self::MixedInFault | Self::MixedTold | Self::Remapped)
    }

    /// Whether its mappings have a state.
    #[must_use]
    pub const fn has_state(self) -> bool {
        !matches!(self, Self::PagesAtMmap | Self::FramesAtMmap | Self::Remapped)
    }

    /// Whether it is filled by [`INSERT`].
    #[must_use]
    pub const fn is_on_request(self) -> bool {
        matches!(self, Self::PageOnRequest | Self::FrameOnRequest)
    }
}

/// Chooses the way, by its place in [`Way::ALL`], and whether users may write: one more than twice that place if so.
pub const CHOOSE_WAY: u32 = 1;
/// Fills the mapping that was made last, if its way is on request.
pub const INSERT: u32 = 2;
/// How many states of mappings there are.
pub const STATES: u32 = 3;
/// Whether the mappings that are made from now on all have one state, of pages that faults insert and of which first
/// stores are told, and may all be written, whatever way is chosen.
pub const SHARE_STATE: u32 = 4;
/// Takes the right to write from a page of that state's mappings, through the one that was made last.
pub const WRITE_PROTECT: u32 = 5;
/// Takes the pages away from that state's mappings, from this one on, through the one that was made last. From then on
/// their faults fail.
pub const ZAP: u32 = 6;
/// Whether that state was told of a first store since this was last asked.
pub const WAS_TOLD: u32 = 7;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let (pages, decoys) = (buffer(host, 0, PAGES)?, buffer(host, PAGES, PAGES)?);
    let mut over_present = Vec::new();
    over_present.try_reserve_exact(PAGES).map_err(|_| Errno::ENOMEM)?;
    for (at, sources) in pages.pages().iter().zip(decoys.pages()).enumerate() {
        over_present.push(if is_filled_before(PageOffset::new(at)) { sources.1.clone() } else { sources.0.clone() });
    }
    let file = SharedObject::new(host.may_sleep())?;
    let memory = Memory::<H::Platform> {
        object: file.part(BASE, PageCount::new(PAGES))?,
        pages,
        decoys,
        over_present,
        frames: registers(host, PAGES)?,
        states: AtomicUsize::new(0),
    };
    let last = Last { pages: None, frames: None };
    let memory = H::Platform::share(memory, host.may_sleep())?;
    let common = Common { memory: memory.clone(), was_told: AtomicBool::new(false), is_gone: AtomicBool::new(false) };
    let probe = Probe::<H::Platform> {
        file,
        memory,
        common: H::Platform::share(common, host.may_sleep())?,
        shares_state: AtomicBool::new(false),
        chosen: AtomicUsize::new(0),
        last: <H::Platform as Platform>::RwLock::new(last, host.may_sleep())?,
    };
    let probe = H::Platform::share(probe, host.may_sleep())?;
    Ok(Opened::new(Shared::<H::Platform, _>(probe.clone()), ProbeSide::<H::Platform>(probe)))
}

/// Of the slots over which many pages are inserted at once, which are filled before: in the middle and at the end, and,
/// beside a fault of the first page, at the beginning.
const fn is_filled_before(at: PageOffset) -> bool {
    at.index() % 2 == 1
}

/// What is mapped.
struct Memory<P: Platform> {
    object: SharedObject<P>,
    pages: P::Ref<Buffer<P>>,
    decoys: P::Ref<Buffer<P>>,
    /// What is inserted at once: decoys where a slot [is filled before](is_filled_before), else the pages.
    over_present: Vec<P::Page>,
    frames: P::Iomem,
    /// How many mappings' states show it.
    states: AtomicUsize,
}

impl<P: Platform> Memory<P> {
    fn page(&self, at: PageOffset) -> Result<&P::Page, Errno> {
        self.pages.page(at).ok_or(Errno::ENXIO)
    }

    /// The pages that come before the others.
    fn filled_before(&self) -> impl Iterator<Item = (PageOffset, &P::Page)> {
        let pages = self.pages.pages().iter().enumerate().map(|(at, page)| (PageOffset::new(at), page));
        pages.filter(|(at, _)| is_filled_before(*at))
    }

    fn frame(&self, at: PageOffset) -> Result<vmctx::Frame<'_, P>, Errno> {
        self.frames.frame(at).ok_or(Errno::ENXIO)
    }
}

/// What the state of a mapping has: the memory, in which it is counted.
struct Shown<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> Shown<P> {
    fn new(memory: &P::Ref<Memory<P>>) -> Self {
        memory.states.fetch_add(1, Ordering::AcqRel);
        Self(memory.clone())
    }
}

impl<P: Platform> Deref for Shown<P> {
    type Target = Memory<P>;

    fn deref(&self) -> &Memory<P> {
        &self.0
    }
}

impl<P: Platform> Drop for Shown<P> {
    fn drop(&mut self) {
        self.0.states.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The handles of the mappings that were made last.
struct Last<P: Platform> {
    pages: Option<Handle<P, Mixed>>,
    frames: Option<Handle<P, PfnMap>>,
}

struct Probe<P: Platform> {
    file: SharedObject<P>,
    memory: P::Ref<Memory<P>>,
    common: P::Ref<Common<P>>,
    shares_state: AtomicBool,
    chosen: AtomicUsize,
    last: P::RwLock<Last<P>>,
}

impl<P: Platform> Probe<P> {
    fn way(&self) -> Result<(Way, bool), Errno> {
        let chosen = self.chosen.load(Ordering::Acquire);
        Ok((*Way::ALL.get(chosen / 2).ok_or(Errno::EINVAL)?, chosen % 2 == 1))
    }
}

impl<P: Platform> MmapFile for Probe<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.file)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.rebase(&self.memory.object)?;
        if self.shares_state.load(Ordering::Acquire) {
            let ctx = ctx.writable().establish_shared(self.common.clone())?;
            self.last.write(ctx.may_sleep()).pages = Some(ctx.handle()?);
            return Ok(ctx.fill_later());
        }
        let (way, writable) = self.way()?;
        let ctx = if writable { ctx.writable() } else { ctx };
        let memory = || Shown::new(&self.memory);
        match way {
            Way::PagesAtMmap => ctx.without_faults::<Mixed>()?.fill_at_pgoff(self.memory.pages.pages()),
            Way::PageInFault => Ok(ctx.establish(Pages::<P> { memory: memory(), around: false })?.fill_later()),
            Way::PageBesideFault => Ok(ctx.establish(Pages::<P> { memory: memory(), around: true })?.fill_later()),
            Way::PageAroundLoad => Ok(ctx.establish(AroundLoads::<P>(memory()))?.fill_later()),
            Way::PageOnRequest => {
                let ctx = ctx.establish(Idle::<P>(memory()))?;
                self.last.write(ctx.may_sleep()).pages = Some(ctx.handle()?);
                Ok(ctx.fill_later())
            }
            Way::PageTold => Ok(ctx.establish(PagesTold::<P>(memory()))?.fill_later()),
            Way::Delivered => Ok(ctx.establish(Delivered::<P>(memory()))?.fill_later()),
            Way::DeliveredTold => Ok(ctx.establish(DeliveredTold::<P>(memory()))?.fill_later()),
            Way::MixedInFault => Ok(ctx.establish(MixedFrames::<P>(memory()))?.fill_later()),
            Way::MixedTold => Ok(ctx.establish(MixedTold::<P>(memory()))?.fill_later()),
            Way::FramesAtMmap => {
                let mut ctx = ctx.without_faults::<PfnMap>()?;
                while !ctx.is_full() {
                    ctx = ctx.insert_pfn_with(|at| self.memory.frame(at.pgoff()))?;
                }
                ctx.finish()
            }
            Way::Remapped => {
                let all = self.memory.frames.range(PageOffset::ZERO, self.memory.frames.count()).ok_or(Errno::EIO)?;
                ctx.without_faults::<Remapped>()?.remap_at_pgoff(all)
            }
            Way::FrameInFault => Ok(ctx.establish(Frames::<P> { memory: memory(), cached: true })?.fill_later()),
            Way::FrameCached => Ok(ctx.establish(Frames::<P> { memory: memory(), cached: false })?.fill_later()),
            Way::FrameOnRequest => {
                let ctx = ctx.establish(Frames::<P> { memory: memory(), cached: true })?;
                self.last.write(ctx.may_sleep()).frames = Some(ctx.handle()?);
                Ok(ctx.fill_later())
            }
            Way::FrameTold => Ok(ctx.establish(FramesTold::<P>(memory()))?.fill_later()),
        }
    }
}

/// Pages that faults insert, alone or with all others: some of these first, then all at once over them.
struct Pages<P: Platform> {
    memory: Shown<P>,
    around: bool,
}

impl<P: Platform> VmOperations for Pages<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.memory.object));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.around && !self.fill_around(&mut ctx) {
            return ctx.fail(Errno::EIO);
        }
        ctx.insert_page_with(|at| self.memory.page(at.pgoff()))
    }
}

impl<P: Platform> Pages<P> {
    /// Fills the other slots. Gives back whether it was said rightly how many went in.
    fn fill_around(&self, ctx: &mut FaultCtx<'_, P, Mixed>) -> bool {
        let mut was_empty = true;
        for (at, page) in self.memory.filled_before() {
            let became = ctx.prefault_page(at, page);
            was_empty &= matches!(became, Prefault::Inserted | Prefault::TheFaultItself);
        }
        let own = ctx.pgoff();
        let free = (0..PAGES).map(PageOffset::new).filter(|at| !is_filled_before(*at) && *at != own).count();
        let inserted = ctx.prefault_pages(PageOffset::ZERO, &self.memory.over_present);
        let again = ctx.prefault_pages(PageOffset::ZERO, &self.memory.over_present);
        (inserted == free || !was_empty) && again == 0
    }
}

/// Pages that are mapped around loads.
struct AroundLoads<P: Platform>(Shown<P>);

impl<P: Platform> AroundLoads<P> {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        for at in ctx.wanted() {
            if let Ok(page) = self.0.page(at) {
                ctx.prefault_page(at, page);
            }
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for AroundLoads<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0.object)).map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| self.0.page(at.pgoff()))
    }
}

/// Pages that only a request inserts.
struct Idle<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for Idle<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0.object));
}

/// Pages that faults insert, and of which first stores are told.
struct PagesTold<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for PagesTold<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .object(|state: &Self| Some(&state.0.object))
        .page_mkwrite(|_, ctx: PageMkwriteCtx<'_, P, Mixed>| ctx.allow());

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| self.0.page(at.pgoff()))
    }
}

/// Pages that faults hand back.
struct Delivered<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for Delivered<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        ctx.deliver_with(|at| self.0.page(at.pgoff()).cloned())
    }
}

/// The same, with first stores told.
struct DeliveredTold<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for DeliveredTold<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .object(|state: &Self| Some(&state.0.object))
        .page_mkwrite(|_, ctx: PageMkwriteCtx<'_, P, Normal>| ctx.allow());

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        ctx.deliver_with(|at| self.0.page(at.pgoff()).cloned())
    }
}

/// Frames in a mapping that could have pages.
struct MixedFrames<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for MixedFrames<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_mixed_with(|at| self.0.frame(at.pgoff()))
    }
}

/// The same, with first stores told.
struct MixedTold<P: Platform>(Shown<P>);

impl<P: Platform> MixedTold<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        match self.0.frame(ctx.pgoff()) {
            Ok(frame) => ctx.insert_mixed_mkwrite(frame),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> VmOperations for MixedTold<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0.object)).pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_mixed_with(|at| self.0.frame(at.pgoff()))
    }
}

/// Frames that faults insert by number, or a request does.
struct Frames<P: Platform> {
    memory: Shown<P>,
    /// As RAM is, else stores are gathered.
    cached: bool,
}

impl<P: Platform> VmOperations for Frames<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.memory.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        if self.cached {
            return ctx.insert_pfn_with(|at| self.memory.frame(at.pgoff()));
        }
        ctx.insert_pfn_prot_with(|at| Ok((self.memory.frame(at.pgoff())?, at.page_prot().write_combine())))
    }
}

/// Frames that faults insert by number, and of which first stores are told.
struct FramesTold<P: Platform>(Shown<P>);

impl<P: Platform> VmOperations for FramesTold<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .object(|state: &Self| Some(&state.0.object))
        .pfn_mkwrite(|_, ctx: PfnMkwriteCtx<'_, P, PfnMap>| ctx.allow());

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()))
    }
}

/// The state that mappings share: pages that faults insert until they are gone.
struct Common<P: Platform> {
    memory: P::Ref<Memory<P>>,
    was_told: AtomicBool,
    is_gone: AtomicBool,
}

impl<P: Platform> Common<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.was_told.store(true, Ordering::Release);
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Common<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.object(|state: &Self| Some(&state.memory.object)).page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.is_gone.load(Ordering::Acquire) {
            return ctx.fail(Errno::EIO);
        }
        ctx.insert_page_with(|at| self.memory.page(at.pgoff()))
    }
}

struct ProbeSide<P: Platform>(P::Ref<Probe<P>>);

impl<P: Platform> ProbeSide<P> {
    /// Does something with the mapping of the common state that was made last.
    fn with_common(
        &self,
        ctx: &mut UnlockedCtx<'_, P>,
        act: impl FnOnce(&EstablishedCtx<'_, P, Mixed>),
    ) -> Result<u64, Errno> {
        let handle = self.0.last.write(ctx.may_sleep()).pages.take().ok_or(Errno::EINVAL)?;
        act(&handle.lock(ctx)?);
        self.0.last.write(ctx.may_sleep()).pages = Some(handle);
        Ok(0)
    }

    /// Fills the mapping that was made last.
    fn insert(&self, ctx: &mut UnlockedCtx<'_, P>) -> Result<(), Errno> {
        let (way, _) = self.0.way()?;
        match way {
            Way::PageOnRequest => {
                let handle = self.0.last.write(ctx.may_sleep()).pages.take().ok_or(Errno::EINVAL)?;
                let (established, memory) = (handle.lock(ctx)?, &self.0.memory);
                let mut free = PAGES;
                for (at, page) in memory.filled_before() {
                    established.insert_page(at, page)?;
                    free = free.saturating_sub(1);
                }
                let inserted = established.insert_pages(PageOffset::ZERO, &memory.over_present)?;
                if inserted == free { Ok(()) } else { Err(Errno::EIO) }
            }
            Way::FrameOnRequest => {
                let handle = self.0.last.write(ctx.may_sleep()).frames.take().ok_or(Errno::EINVAL)?;
                let established = handle.lock(ctx)?;
                let inserted = established.with_state(|state: &Frames<P>, slots| {
                    for at in (0..PAGES).map(PageOffset::new) {
                        match slots.insert_pfn(at, state.memory.frame(at)?) {
                            // Not every platform tells that the frame is there.
                            Ok(()) | Err(Errno::EBUSY) => {}
                            failed => return failed,
                        }
                    }
                    Ok(())
                });
                inserted.unwrap_or(Err(Errno::EINVAL))
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

impl<P: Platform> Side<P> for ProbeSide<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        if self.0.way()?.0.is_of_pages() {
            self.0.memory.pages.read(offset, into)
        } else {
            Own::<P>(self.0.memory.frames.clone()).read(offset, into)
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        if self.0.way()?.0.is_of_pages() {
            self.0.memory.pages.write(offset, from)
        } else {
            Own::<P>(self.0.memory.frames.clone()).write(offset, from)
        }
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        let memory = &self.0.memory;
        memory.pages.pages().iter().chain(memory.decoys.pages()).nth(at.index())
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            CHOOSE_WAY => {
                self.0.chosen.store(super::host::index(argument)?, Ordering::Release);
                self.0.way().map(|_| 0)
            }
            INSERT => self.insert(ctx).map(|()| 0),
            STATES => Ok(self.0.memory.states.load(Ordering::Acquire) as u64),
            SHARE_STATE => {
                self.0.common.is_gone.store(false, Ordering::Release);
                self.0.shares_state.store(argument != 0, Ordering::Release);
                Ok(0)
            }
            WRITE_PROTECT => {
                let page = PageOffset::new(super::host::index(argument)?);
                self.with_common(ctx, |established| established.write_protect(page, PageCount::new(1)))
            }
            ZAP => {
                let first = PageOffset::new(super::host::index(argument)?);
                self.0.common.is_gone.store(true, Ordering::Release);
                self.with_common(ctx, |established| established.zap(first, PageCount::new(PAGES)))
            }
            WAS_TOLD => Ok(u64::from(self.0.common.was_told.swap(false, Ordering::AcqRel))),
            _ => Err(Errno::ENOTTY),
        }
    }
}
