//! Memory that can be taken back from its users: because access to it is revoked, or because it moves.

use core::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    flags::FaultCode,
    frame::{Frame, FrameRange},
    huge::HugeFaultCtx,
    kind::{HoldsRevocable, KindValue, MapsFrames},
    lock::RwLock,
    platform::Platform,
    prefault::Prefault,
    prot::PageProt,
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset},
    wait::{self, RefaultReason},
};

/// What one page of [`Revocable`] memory is now.
///
/// ```
/// use vmctx::{Errno, FrameSource, PageCount, PageOffset, Platform, Spot};
///
/// /// A page of RAM where the driver has a copy, and the device's memory elsewhere.
/// fn spot<'l, P: Platform>(copies: &'l [Option<P::Page>], bar: &'l P::Iomem, at: PageCount) -> Result<Spot<'l, P>, Errno> {
///     match copies.get(at.get()) {
///         Some(Some(copy)) => Ok(Spot::Page(copy)),
///         _ => bar.frame(PageOffset::new(at.get())).map(Spot::Frame).ok_or(Errno::ENXIO),
///     }
/// }
/// ```
pub enum Spot<'l, P: Platform> {
    /// A page of RAM.
    Page(&'l P::Page),
    /// A frame of a device's memory.
    Frame(Frame<'l, P>),
}

/// What [`Revocable`] memory is made of, and what a touch of it gets. As a rule it is a type of the driver's, with what
/// each place needs where the memory can be, or with a switch that says whether there is access.
///
/// It is kept inside a [`Revocable`], and changed only through a [`Revoked`], while nobody has the memory mapped. So
/// the pages that it has named stay for as long as they are mapped.
///
/// ```
/// use vmctx::{Backing, Errno, FrameRange, FrameSource, IomemPart, PageCount, PageOffset, PageProt, Platform, Spot};
///
/// /// A graphics object: on the card, or in RAM while the card needs the room.
/// enum Place<P: Platform> {
///     Card(IomemPart<P>),
///     Ram(Vec<P::Page>),
/// }
///
/// impl<P: Platform> Backing for Place<P> {
///     type Platform = P;
///
///     fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
///         let at = PageOffset::new(at.get());
///         let spot = match self {
///             Self::Card(memory) => memory.frame(at).map(Spot::Frame),
///             Self::Ram(pages) => at.of(pages).map(Spot::Page),
///         };
///         spot.ok_or(Errno::ENXIO)
///     }
///
///     fn page_prot(&self, _: PageCount, mapping: PageProt) -> PageProt {
///         match self {
///             Self::Card(_) => mapping.write_combine(),
///             Self::Ram(_) => mapping,
///         }
///     }
/// }
/// ```
pub trait Backing: Send + Sync + 'static {
    /// The platform.
    type Platform: Platform;

    /// What a page of the memory is, counted from the memory's start.
    ///
    /// # Errors
    /// What a touch gets while there is no such page, or no access to it: answered as
    /// [`FaultCtx::fail_or_refault`](crate::FaultCtx::fail_or_refault) answers it.
    fn spot(&self, at: PageCount) -> Result<Spot<'_, Self::Platform>, Errno>;

    /// The frames of `count` pages of the memory from `first` on, if they lie in a row: for a
    /// [large entry](Resident::insert_huge). Ask here whether there is access, as in [`spot`](Self::spot).
    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, Self::Platform>> {
        let _ = (first, count);
        None
    }

    /// With which protection that page is mapped, given the mapping's. As a rule the cache attribute depends on the
    /// place. (spufs changes `vm_page_prot` in the fault for that, while others read it.)
    ///
    /// Asked for [`PfnMap`](crate::PfnMap) mappings. What is inserted into a [`Mixed`](crate::Mixed) mapping has the
    /// mapping's protection. So has a [large entry](Resident::insert_huge): where the first page of it wants another,
    /// the fault falls back to pages.
    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        let _ = at;
        mapping
    }

    /// Told before that page is inserted, or the large entry that begins with it. A table remembers it.
    #[doc(hidden)]
    fn note_insertion(&self, at: PageCount) {
        let _ = at;
    }
}

/// Memory that can be taken back from its users, behind the lock under which it is inserted and taken back
/// ([G13](crate::guide::guarantees#g13), [G22](crate::guide::guarantees#g22)).
///
/// Access is revoked: a device's memory is switched off, an object is purged, a file is truncated. Or the memory moves:
/// a processor's local store is saved, a graphics object migrates between RAM and the card. It is the same, because
/// either way a fault must never insert what was there *before*. "Having the PTE insertion use the same lock as
/// whatever can trigger the unmapping", the mail says that asks for it (linux-mm, May 2007).
///
/// - [`resident`](Self::resident) takes the lock to read. Only the guard that it returns can insert
///   ([`Resident::insert`]).
/// - [`revoke`](Self::revoke) takes the lock to write, and unmaps the memory everywhere **before** it returns. Now no
///   user sees it, and the guard gives the backing to be changed: copy the bytes and name the new place, or say what
///   later touches get.
/// - A fault that has let go of the lock can take it again on the condition that nothing was revoked since
///   ([`Epoch::resident`]). If something was, it gets a [`Moved`], which is evidence for a refault.
///
/// What is unmapped is what was mapped: the state of the mapping [names the object](crate::Hooks::object) that the
/// memory is shown through, and a file of another object is refused when the mapping is established.
///
/// Dropping it unmaps the memory, and sleeps, so `map_pages` must not do it. Only faults insert it: `unmap_mapping_range`
/// does not find what a mmap hook has inserted before that hook has returned.
///
/// # What it does not reach
///
/// A second reference to the memory that the driver keeps outside, a clone of the page or of the device's memory, is
/// not guarded: no type can see it. And pages that somebody has pinned (O_DIRECT, RDMA, VFIO) stay with him when they
/// are unmapped, and what he stores is stored. Frames without pages cannot be pinned, so only these are revoked for
/// good.
///
/// ```
/// use vmctx::{
///     Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem, Mapped, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset,
///     PfnMap, Platform, Revocable, SharedObject, Spot, VmFault, VmOperations,
/// };
///
/// /// A BAR that can be switched off while users have it mapped.
/// struct Bar<P: Platform> {
///     memory: P::Iomem,
///     on: bool,
/// }
///
/// impl<P: Platform> Backing for Bar<P> {
///     type Platform = P;
///
///     fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
///         if !self.on {
///             return Err(Errno::EIO);
///         }
///         self.memory.frame(PageOffset::new(at.get())).map(Spot::Frame).ok_or(Errno::ENXIO)
///     }
/// }
///
/// struct Device<P: Platform> {
///     bar: Revocable<P, Bar<P>>,
/// }
///
/// impl<P: Platform> Device<P> {
///     fn new(memory: P::Iomem, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         let (object, pages) = (SharedObject::new(may_sleep)?, memory.count());
///         let bar = Revocable::new(Bar { memory, on: true }, &object, pages, may_sleep)?;
///         Ok(Self { bar })
///     }
///
///     fn switch(&self, on: bool, may_sleep: MaySleep<'_>) {
///         self.bar.revoke(may_sleep).on = on;
///     }
/// }
///
/// impl<P: Platform> VmOperations for Device<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> = Hooks::NONE.object(|device: &Self| Some(device.bar.object()));
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         self.bar.resident(ctx.may_sleep()).insert(ctx)
///     }
/// }
///
/// struct File<P: Platform>(P::Ref<Device<P>>);
///
/// impl<P: Platform> MmapFile for File<P> {
///     type Platform = P;
///
///     fn object(&self) -> Option<&SharedObject<P>> {
///         Some(self.0.bar.object())
///     }
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
///     }
/// }
/// ```
#[doc(alias = "dma_resv_lock")]
pub struct Revocable<P: Platform, B: Backing<Platform = P>> {
    home: P::RwLock<Home<B>>,
    object: SharedObject<P>,
}

/// What the lock protects: the backing, and how often it was revoked.
struct Home<B> {
    backing: B,
    times: u64,
}

/// The platform's guards of that lock.
type Read<'r, P, B> = <<P as Platform>::RwLock<Home<B>> as RwLock<Home<B>>>::Read<'r>;
type Write<'r, P, B> = <<P as Platform>::RwLock<Home<B>> as RwLock<Home<B>>>::Write<'r>;

impl<P: Platform, B: Backing<Platform = P>> Revocable<P, B> {
    /// Memory of `count` pages, shown where this object begins. One of several that a file shows is given its
    /// [part](SharedObject::part) of them.
    ///
    /// # Errors
    /// EINVAL for memory without pages, or with more than the object has; ENOMEM. The backing is dropped.
    #[track_caller]
    pub fn new(backing: B, object: &SharedObject<P>, count: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let object = object.part(PageOffset::ZERO, count)?;
        let home = P::RwLock::new(Home { backing, times: 0 }, may_sleep)?;
        Ok(Self { home, object })
    }

    /// The object through which the memory is shown, as many pages as it has: for
    /// [`MmapFile::object`](crate::MmapFile::object), [`Hooks::object`](crate::Hooks::object) and
    /// [`MmapCtx::rebase`](crate::MmapCtx::rebase).
    #[must_use]
    pub const fn object(&self) -> &SharedObject<P> {
        &self.object
    }

    /// How many pages it has.
    #[must_use]
    pub const fn page_count(&self) -> PageCount {
        self.object.page_count()
    }

    /// Keeps the memory from being revoked, so that it can be inserted. Waits while somebody revokes it.
    #[track_caller]
    pub fn resident(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Resident<'_, P, B> {
        self.held(self.home.read(may_sleep))
    }

    /// The same, or `None` while somebody revokes it.
    pub fn try_resident(&self) -> Option<Resident<'_, P, B>> {
        self.home.try_read().map(|home| self.held(home))
    }

    /// Takes the memory back from all its users: waits until nobody inserts it, keeps everybody from inserting it, and
    /// unmaps it everywhere. What later touches get is what the [`Backing`] says once the guard is dropped.
    #[track_caller]
    pub fn revoke(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Revoked<'_, P, B> {
        let revoked = self.taken(self.home.write(may_sleep));
        self.object.unmap_once(PageOffset::ZERO, self.page_count(), may_sleep);
        revoked
    }

    fn held<'r>(&'r self, home: Read<'r, P, B>) -> Resident<'r, P, B> {
        Resident { home: Held(home), of: self, _thread: OneThread::MARK }
    }

    fn taken<'r>(&'r self, mut home: Write<'r, P, B>) -> Revoked<'r, P, B> {
        home.times = home.times.wrapping_add(1);
        Revoked { home: Held(home), _thread: OneThread::MARK }
    }

    /// The lock, held to change, with nothing unmapped: whoever asks unmaps what he changes.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    #[track_caller]
    pub(crate) fn lock_to_revoke(&self, may_sleep: MaySleep<'_>) -> Revoked<'_, P, B> {
        self.taken(self.home.write(may_sleep))
    }
}

impl<P: Platform, B: Backing<Platform = P>> Drop for Revocable<P, B> {
    fn drop(&mut self) {
        // The backing is dropped after this, and entries by number hold no reference to what it keeps.
        self.object.unmap_once(PageOffset::ZERO, self.page_count(), may_sleep());
    }
}

/// A guard: the memory is not revoked for as long as this is held. From [`Revocable::resident`]. It gives the backing to
/// look at.
///
/// ```
/// use vmctx::{Backing, FaultCtx, PageCount, PfnMap, Platform, Revocable, VmFault};
///
/// /// Brings the next page as well. Between the two the memory cannot be taken back.
/// fn fault<'f, P: Platform, B: Backing<Platform = P>>(
///     mut ctx: FaultCtx<'f, P, PfnMap>,
///     memory: &Revocable<P, B>,
/// ) -> VmFault<'f> {
///     let resident = memory.resident(ctx.may_sleep());
///     if let Some(next) = ctx.pgoff().checked_add(PageCount::new(1)) {
///         resident.prefault(&mut ctx, next);
///     }
///     resident.insert(ctx)
/// }
/// ```
#[must_use = "insert with it: `resident.insert(ctx)`"]
pub struct Resident<'r, P: Platform, B: Backing<Platform = P>> {
    home: Held<Read<'r, P, B>>,
    of: &'r Revocable<P, B>,
    _thread: OneThread,
}

impl<P: Platform, B: Backing<Platform = P>> Deref for Resident<'_, P, B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.home.0.backing
    }
}

impl<'r, P: Platform, B: Backing<Platform = P>> Resident<'r, P, B> {
    /// Inserts the page of the fault as it is now, and answers. Into a [`Mixed`](crate::Mixed) mapping a page of RAM
    /// goes with a reference; into a [`PfnMap`](crate::PfnMap) mapping everything goes by number.
    ///
    /// If there is no page, the answer is what [`Backing::spot`] says. It is a SIGBUS where the mapping's state does
    /// not [name the memory's object](crate::Hooks::object), because unmapping might not find the entry.
    #[track_caller]
    pub fn insert<C: RevocablePoint<Platform = P>>(&self, ctx: C) -> C::Outcome
    where
        C::Kind: HoldsRevocable,
    {
        let Some(at) = ctx.page_of(&self.of.object) else { return ctx.fail(Errno::EFAULT) };
        match self.spot(at) {
            Ok(spot) => {
                self.note_insertion(at);
                let prot = self.page_prot(at, ctx.page_prot());
                ctx.insert_spot(HeldSpot(spot), prot)
            }
            Err(errno) => ctx.fail(errno),
        }
    }

    /// Inserts another page of the memory, before the fault is answered.
    #[track_caller]
    pub fn prefault<M: HoldsRevocable>(&self, ctx: &mut FaultCtx<'_, P, M>, pgoff: PageOffset) -> Prefault {
        let Some(at) = ctx.frame().page_of(&self.of.object, pgoff) else { return Prefault::OutsideMapping };
        match self.spot(at) {
            Ok(spot) => {
                self.note_insertion(at);
                ctx.prefault_spot(pgoff, spot, self.page_prot(at, ctx.page_prot()))
            }
            Err(_) => Prefault::Refused,
        }
    }

    /// Fills a large entry, if the [backing has its frames in a row](Backing::frames), or falls back.
    #[track_caller]
    pub fn insert_huge<'f, M: HoldsRevocable + MapsFrames>(&self, ctx: HugeFaultCtx<'f, P, M>) -> VmFault<'f> {
        let count = ctx.page_count();
        let inside = ctx.entry_range().and_then(|entry| {
            let first = ctx.frame().page_of(&self.of.object, entry.start)?;
            let end = first.get().checked_add(count.get())?;
            (end <= self.of.page_count().get()).then_some(first)
        });
        // A large entry has the mapping's protection: to have another, memory is mapped page by page.
        let mapping = P::fault_page_prot(ctx.fault());
        let as_mapped = |first: &PageCount| {
            matches!(M::KIND, KindValue::Mixed) || self.page_prot(*first, mapping).with_rights_of(mapping) == mapping
        };
        match inside.filter(as_mapped).and_then(|first| Some((first, self.frames(first, count)?))) {
            Some((first, frames)) => {
                self.note_insertion(first);
                ctx.fill(frames)
            }
            None => ctx.fallback(),
        }
    }

    /// Notes how often the memory was revoked, for a fault that has to let go of the lock and come back.
    pub fn epoch<'f, M>(&self, ctx: &FaultCtx<'f, P, M>) -> Epoch<'f, 'r, P, B> {
        let _ = ctx;
        Epoch { of: self.of, times: self.home.0.times, brand: PhantomData }
    }
}

/// A guard: the memory was taken back. Nobody has it mapped, and nobody can map it, until this is dropped. From
/// [`Revocable::revoke`]. It gives the backing to be changed.
///
/// A touch waits for that, and gets what the backing says then. Left as it is, the memory is there again.
///
/// ```
/// use vmctx::{Errno, IomemPart, MaySleep, OutOfFrames, PageRef, Platform, Revocable};
///
/// /// Moves an object of one page off the card, or drops its copy and has it there again.
/// enum Place<P: Platform> {
///     Card(IomemPart<P>),
///     Ram(P::Page),
/// }
/// # impl<P: Platform> vmctx::Backing for Place<P> {
/// #     type Platform = P;
/// #     fn spot(&self, _: vmctx::PageCount) -> Result<vmctx::Spot<'_, P>, Errno> { Err(Errno::ENXIO) }
/// # }
///
/// fn save<P: Platform>(
///     object: &Revocable<P, Place<P>>,
///     memory: &P::Memory,
///     may_sleep: MaySleep<'_>,
/// ) -> Result<(), Errno> {
///     let copy = P::alloc_page(memory, may_sleep)?;
///     let mut bytes = vec![0; P::PAGE_SIZE];
///     // Nobody stores to it any more: no user has it mapped, and none can until the guard is dropped.
///     let mut place = object.revoke(may_sleep);
///     if let Place::Card(card) = &*place {
///         card.read(0, &mut bytes).map_err(|_| Errno::EIO)?;
///         copy.write(0, &bytes).map_err(|_| Errno::EIO)?;
///         *place = Place::Ram(copy);
///     }
///     Ok(())
/// }
/// ```
pub struct Revoked<'r, P: Platform, B: Backing<Platform = P>> {
    home: Held<Write<'r, P, B>>,
    _thread: OneThread,
}

impl<P: Platform, B: Backing<Platform = P>> Deref for Revoked<'_, P, B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.home.0.backing
    }
}

impl<P: Platform, B: Backing<Platform = P>> DerefMut for Revoked<'_, P, B> {
    fn deref_mut(&mut self) -> &mut B {
        &mut self.home.0.backing
    }
}

/// How often [`Revocable`] memory had been revoked when one fault looked. From [`Resident::epoch`].
///
/// ```
/// use vmctx::{Backing, FaultCtx, PfnMap, Platform, Revocable, VmFault};
///
/// /// Does what takes long without the lock, and sees whether the memory is still where it was.
/// fn fault<'f, P: Platform, B: Backing<Platform = P>>(
///     ctx: FaultCtx<'f, P, PfnMap>,
///     memory: &Revocable<P, B>,
///     read_from_disk: impl FnOnce(),
/// ) -> VmFault<'f> {
///     let epoch = memory.resident(ctx.may_sleep()).epoch(&ctx);
///     read_from_disk();
///     match epoch.resident(ctx.may_sleep()) {
///         Ok(resident) => resident.insert(ctx),
///         Err(moved) => ctx.refault(moved),
///     }
/// }
/// ```
#[must_use = "come back with it: `epoch.resident(ctx.may_sleep())`"]
pub struct Epoch<'f, 'r, P: Platform, B: Backing<Platform = P>> {
    of: &'r Revocable<P, B>,
    times: u64,
    brand: Invariant<'f>,
}

impl<'f, 'r, P: Platform, B: Backing<Platform = P>> Epoch<'f, 'r, P, B> {
    /// Keeps the memory from being revoked, if it was not revoked since. Waits while somebody revokes it.
    ///
    /// # Errors
    /// [`Moved`], if it was: evidence for [`FaultCtx::refault`].
    #[track_caller]
    pub fn resident(self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Resident<'r, P, B>, Moved<'f>> {
        let resident = self.of.resident(may_sleep);
        if resident.home.0.times == self.times { Ok(resident) } else { Err(Moved { brand: PhantomData }) }
    }
}

/// Evidence that memory was revoked while this fault was served, from [`Epoch::resident`]. It is good for one
/// [`FaultCtx::refault`] of the same fault.
///
/// ```
/// use vmctx::{Backing, Epoch, FaultCtx, Moved, PfnMap, Platform, VmFault};
///
/// /// That the memory has moved is evidence that the access, if it is repeated, may find something else.
/// fn fault<'f, P: Platform, B: Backing<Platform = P>>(
///     ctx: FaultCtx<'f, P, PfnMap>,
///     epoch: Epoch<'f, '_, P, B>,
/// ) -> VmFault<'f> {
///     let moved: Moved<'f> = match epoch.resident(ctx.may_sleep()) {
///         Ok(resident) => return resident.insert(ctx),
///         Err(moved) => moved,
///     };
///     ctx.refault(moved)
/// }
/// ```
#[must_use = "answer with it: `ctx.refault(moved)`"]
pub struct Moved<'f> {
    brand: Invariant<'f>,
}

#[diagnostic::do_not_recommend]
impl<'f> wait::sealed::Reason<'f> for Moved<'f> {}
#[diagnostic::do_not_recommend]
impl<'f> RefaultReason<'f> for Moved<'f> {}

/// A spot whose memory a [`Resident`] keeps where it is. Only a `Resident` makes one, because drivers can call the
/// methods of [`RevocablePoint`], and a page that is inserted by number needs somebody who keeps it.
#[doc(hidden)]
pub struct HeldSpot<'l, P: Platform>(Spot<'l, P>);

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "memory that can be taken back is inserted by a page fault, and `{Self}` is none",
        label = "not a fault's token",
        note = "in `VmOperations::fault`: `self.memory.resident(ctx.may_sleep()).insert(ctx)`",
        note = "in `map_pages` leave it out: the fault hook brings the neighbours, `resident.prefault(&mut ctx, at)`, and inserts",
        note = "in `MmapFile::mmap` leave it to faults, `Ok(ctx.establish(state)?.fill_later())`, in a prepare hook \
                `ctx.by_faults()`: until the hook has returned, unmapping does not know the new mapping, and would leave it there"
    )]
    pub trait Point {}
}

#[diagnostic::do_not_recommend]
impl<P: Platform, M> sealed::Point for FaultCtx<'_, P, M> {}

/// Where [`Resident::insert`] inserts: a [`FaultCtx`]. Sealed.
///
/// ```
/// use vmctx::{Backing, MaySleep, Platform, Revocable, RevocablePoint, kind::HoldsRevocable};
///
/// /// For mappings of both kinds that can hold such memory.
/// fn serve<P: Platform, B: Backing<Platform = P>, C: RevocablePoint<Platform = P>>(
///     ctx: C,
///     memory: &Revocable<P, B>,
///     may_sleep: MaySleep<'_>,
/// ) -> C::Outcome
/// where
///     C::Kind: HoldsRevocable,
/// {
///     memory.resident(may_sleep).insert(ctx)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "memory that can be taken back is inserted by a page fault, and `{Self}` is none",
    label = "not a fault's token",
    note = "in `VmOperations::fault`: `self.memory.resident(ctx.may_sleep()).insert(ctx)`",
    note = "in `map_pages` leave it out: the fault hook brings the neighbours, `resident.prefault(&mut ctx, at)`, and inserts",
    note = "in `MmapFile::mmap` leave it to faults, `Ok(ctx.establish(state)?.fill_later())`, in a prepare hook \
            `ctx.by_faults()`: until the hook has returned, unmapping does not know the new mapping, and would leave it there"
)]
pub trait RevocablePoint: sealed::Point + Sized {
    /// The platform.
    type Platform: Platform;
    /// The kind of the mapping.
    type Kind;
    /// The answer.
    type Outcome;

    #[doc(hidden)]
    fn page_of(&self, object: &SharedObject<Self::Platform>) -> Option<PageCount>;

    #[doc(hidden)]
    fn page_prot(&self) -> PageProt;

    #[doc(hidden)]
    #[track_caller]
    fn insert_spot(self, spot: HeldSpot<'_, Self::Platform>, prot: PageProt) -> Self::Outcome
    where
        Self::Kind: HoldsRevocable;

    /// It cannot be served.
    fn fail(self, errno: Errno) -> Self::Outcome;
}

#[diagnostic::do_not_recommend]
impl<'f, P: Platform, M> RevocablePoint for FaultCtx<'f, P, M> {
    type Platform = P;
    type Kind = M;
    type Outcome = VmFault<'f>;

    fn page_of(&self, object: &SharedObject<P>) -> Option<PageCount> {
        self.frame().page_of(object, self.pgoff())
    }

    fn page_prot(&self) -> PageProt {
        self.page_prot()
    }

    #[track_caller]
    fn insert_spot(self, spot: HeldSpot<'_, P>, prot: PageProt) -> VmFault<'f>
    where
        M: HoldsRevocable,
    {
        let code = self.put_spot(self.frame().page_address(), &spot.0, prot);
        self.answer(code)
    }

    fn fail(self, errno: Errno) -> VmFault<'f> {
        self.fail_or_refault(errno)
    }
}

impl<P: Platform, M: HoldsRevocable> FaultCtx<'_, P, M> {
    #[track_caller]
    fn prefault_spot(&mut self, at: PageOffset, spot: Spot<'_, P>, prot: PageProt) -> Prefault {
        match self.frame().neighbour(at) {
            Ok(address) => Prefault::from_code(self.put_spot(address, &spot, prot)),
            Err(nothing) => nothing,
        }
    }

    #[track_caller]
    fn put_spot(&self, address: usize, spot: &Spot<'_, P>, prot: PageProt) -> FaultCode {
        let fault = self.fault();
        let of_mapping = self.page_prot();
        let prot = Some(prot.with_rights_of(of_mapping)).filter(|prot| *prot != of_mapping);
        match (M::KIND, spot) {
            (KindValue::Mixed, Spot::Page(page)) => P::vmf_insert_page(fault, address, page),
            (KindValue::Mixed, Spot::Frame(frame)) => P::vmf_insert_mixed(fault, address, frame.pfn(), false),
            (_, Spot::Page(page)) => P::vmf_insert_pfn(fault, address, P::page_pfn(page), prot),
            (_, Spot::Frame(frame)) => P::vmf_insert_pfn(fault, address, frame.pfn(), prot),
        }
    }
}

// What it refuses, with what to write instead.
include!("refused/revocable.rs");
