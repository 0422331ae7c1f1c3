//! Memory that moves under its users.

use core::{marker::PhantomData, mem};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    flags::FaultCode,
    frame::Frame,
    kind::{HoldsMoving, KindValue},
    lock::RwLock,
    platform::Platform,
    prefault::Prefault,
    prot::PageProt,
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant},
    units::{PageCount, PageOffset},
    wait::{self, RefaultReason},
};

/// Where one page of [`Relocatable`] memory is now.
pub enum Spot<'l, P: Platform> {
    /// In RAM.
    Page(&'l P::Page),
    /// In a device's memory.
    Frame(Frame<'l, P>),
}

/// Where relocatable memory can be. As a rule it is an `enum` of the driver's, with what each place needs.
///
/// It is kept inside a [`Relocatable`] and says of each page where it is. The pages that it has named must stay for as
/// long as it is kept. Only [`Moving::finish`] replaces it, after the memory was unmapped everywhere.
pub trait Location: Send + Sync + 'static {
    /// The platform.
    type Platform: Platform;

    /// Where a page of the memory is, counted from the memory's start, or `None` if there is none.
    fn spot(&self, at: PageCount) -> Option<Spot<'_, Self::Platform>>;

    /// With which protection the memory is mapped while it is here, given the mapping's. As a rule the cache attribute
    /// depends on the place. (spufs changes `vm_page_prot` in the fault for that, while others read it.)
    ///
    /// Asked for [`PfnMap`](crate::PfnMap) mappings. What is inserted into a [`Mixed`](crate::Mixed) mapping has the
    /// mapping's protection.
    fn page_prot(&self, mapping: PageProt) -> PageProt {
        mapping
    }
}

/// Memory that moves under its users: its location, behind the lock under which it is inserted and moved (G13).
///
/// The mail that asks for it (linux-mm, May 2007): "having the PTE insertion use the same lock as whatever can trigger
/// the unmapping". Such memory is SPU local store that is saved and restored, or a graphics object that migrates
/// between system memory and the card. A fault must never insert the place where it *was*.
///
/// - [`resident`](Self::resident) takes the lock to read. Only the guard that it returns can insert
///   ([`Resident::insert`]).
/// - [`begin_move`](Self::begin_move) takes the lock to write and unmaps the memory everywhere **before** it returns.
///   Now no user sees it: copy the bytes, then name the new location ([`Moving::finish`]).
/// - A fault that has let go of the lock can take it again on the condition that the memory has not moved since
///   ([`Epoch::resident`]). If it has, it gets a [`Moved`], which is evidence for a refault.
///
/// Dropping it unmaps the memory, and sleeps, so `map_pages` must not do it. Only faults insert it: `unmap` does not
/// find what a mmap hook has inserted before that hook has returned.
///
/// ```
/// use vmctx::{
///     FaultCtx, FrameSource, Iomem, Location, MaySleep, PageRef, PageCount, PageOffset, PfnMap, Platform, Relocatable,
///     Spot, VmFault, VmOperations,
/// };
///
/// /// One page of local store: in the processor while its context runs there, in RAM while it is saved.
/// enum LocalStore<P: Platform> {
///     Running(P::Ref<P::Iomem>),
///     Saved(P::Page),
/// }
///
/// impl<P: Platform> Location for LocalStore<P> {
///     type Platform = P;
///
///     fn spot(&self, at: PageCount) -> Option<Spot<'_, P>> {
///         match self {
///             Self::Running(hardware) => hardware.frame(PageOffset::new(at.get())).map(Spot::Frame),
///             Self::Saved(page) => (at == PageCount::ZERO).then_some(Spot::Page(page)),
///         }
///     }
/// }
///
/// struct Context<P: Platform> {
///     store: Relocatable<P, LocalStore<P>>,
/// }
///
/// impl<P: Platform> VmOperations for Context<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         self.store.resident(ctx.may_sleep()).insert(ctx)
///     }
/// }
///
/// impl<P: Platform> Context<P> {
///     fn save(&self, to: P::Page, may_sleep: MaySleep<'_>) {
///         let moving = self.store.begin_move(may_sleep);
///         if let LocalStore::Running(hardware) = moving.location() {
///             let mut byte = [0];
///             for at in 0..P::PAGE_SIZE {
///                 if hardware.read(at, &mut byte).is_err() || to.write(at, &byte).is_err() {
///                     return; // dropped without a new location: it stays where it was
///                 }
///             }
///         }
///         moving.finish(LocalStore::Saved(to));
///     }
/// }
/// ```
pub struct Relocatable<P: Platform, L: Location<Platform = P>> {
    home: P::RwLock<Home<L>>,
    mappings: SharedObject<P>,
    first: PageOffset,
    count: PageCount,
}

/// What the lock protects: where the memory is, and how often it has moved.
struct Home<L> {
    location: L,
    moves: u64,
}

/// The platform's guards of that lock.
type Read<'r, P, L> = <<P as Platform>::RwLock<Home<L>> as RwLock<Home<L>>>::Read<'r>;
type Write<'r, P, L> = <<P as Platform>::RwLock<Home<L>> as RwLock<Home<L>>>::Write<'r>;

impl<P: Platform, L: Location<Platform = P>> Relocatable<P, L> {
    /// Memory of `count` pages that shows at `first` of the object whose mappings these are.
    ///
    /// # Errors
    /// EOVERFLOW if the last page offset cannot be counted; ENOMEM. The location is dropped.
    #[track_caller]
    pub fn new(
        location: L,
        mappings: SharedObject<P>,
        first: PageOffset,
        count: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        first.checked_add(count).ok_or(Errno::EOVERFLOW)?;
        let home = P::RwLock::new(Home { location, moves: 0 }, may_sleep)?;
        Ok(Self { home, mappings, first, count })
    }

    /// How many pages it has.
    #[must_use]
    pub const fn page_count(&self) -> PageCount {
        self.count
    }

    /// Keeps the memory from moving, so that it can be inserted. Waits while somebody moves it.
    #[track_caller]
    pub fn resident(&self, may_sleep: MaySleep<'_>) -> Resident<'_, P, L> {
        self.held(self.home.read(may_sleep))
    }

    /// The same, or `None` while somebody moves it.
    pub fn try_resident(&self) -> Option<Resident<'_, P, L>> {
        self.home.try_read().map(|home| self.held(home))
    }

    /// Begins to move the memory: waits until nobody inserts it, keeps everybody from inserting it, and unmaps it
    /// everywhere.
    #[track_caller]
    pub fn begin_move(&self, may_sleep: MaySleep<'_>) -> Moving<'_, P, L> {
        let home = self.home.write(may_sleep);
        self.mappings.unmap(self.first, self.count, may_sleep);
        Moving { home: Held(home), thread: PhantomData }
    }

    fn held<'r>(&'r self, home: Read<'r, P, L>) -> Resident<'r, P, L> {
        Resident { home: Held(home), of: self, thread: PhantomData }
    }
}

impl<P: Platform, L: Location<Platform = P>> Drop for Relocatable<P, L> {
    fn drop(&mut self) {
        // The location is dropped after this, and entries by number hold no reference to what it keeps.
        self.mappings.unmap(self.first, self.count, may_sleep());
    }
}

/// A guard: relocatable memory stays where it is for as long as this is held. From [`Relocatable::resident`].
#[must_use = "insert with it: `resident.insert(ctx)`"]
pub struct Resident<'r, P: Platform, L: Location<Platform = P>> {
    home: Held<Read<'r, P, L>>,
    of: &'r Relocatable<P, L>,
    thread: PhantomData<*mut Resident<'static, P, L>>,
}

impl<'r, P: Platform, L: Location<Platform = P>> Resident<'r, P, L> {
    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &L {
        &self.home.0.location
    }

    /// Inserts the page of the fault from where it is now, and answers. Into a [`Mixed`](crate::Mixed) mapping a page
    /// in RAM goes with a reference; into a [`PfnMap`](crate::PfnMap) mapping everything goes by number.
    ///
    /// It is a SIGBUS if the memory has no such page. It is also one if the mapping is of another object than the
    /// memory, because unmapping would not find it.
    #[track_caller]
    pub fn insert<C: MovingPoint<Platform = P>>(&self, ctx: C) -> C::Outcome
    where
        C::Kind: HoldsMoving,
    {
        match self.spot(ctx.pgoff()) {
            Some(spot) if ctx.is_of(&self.of.mappings) => {
                let prot = self.location().page_prot(ctx.page_prot());
                ctx.insert_spot(HeldSpot(spot), prot)
            }
            _ => ctx.fail(Errno::EFAULT),
        }
    }

    /// Inserts another page of the memory, before the fault is answered.
    #[track_caller]
    pub fn prefault<M: HoldsMoving>(&self, ctx: &mut FaultCtx<'_, P, M>, at: PageOffset) -> Prefault {
        match self.spot(at) {
            Some(spot) if ctx.is_of(&self.of.mappings) => {
                ctx.prefault_spot(at, spot, self.location().page_prot(ctx.page_prot()))
            }
            Some(_) => Prefault::Refused,
            None => Prefault::OutsideMapping,
        }
    }

    /// Notes how often the memory has moved, for a fault that has to let go of the lock and come back.
    pub fn epoch<'f, M>(&self, ctx: &FaultCtx<'f, P, M>) -> Epoch<'f, 'r, P, L> {
        let _ = ctx;
        Epoch { of: self.of, moves: self.home.0.moves, brand: PhantomData }
    }

    fn spot(&self, at: PageOffset) -> Option<Spot<'_, P>> {
        let inside = at.checked_since(self.of.first).filter(|inside| *inside < self.of.count)?;
        self.home.0.location.spot(inside)
    }
}

/// A guard: relocatable memory that is being moved. Nobody has it mapped, and nobody can map it. From
/// [`Relocatable::begin_move`].
///
/// Dropping it leaves the memory where it was.
#[must_use = "dropping it leaves the memory where it was: `moving.finish(location)`"]
pub struct Moving<'r, P: Platform, L: Location<Platform = P>> {
    home: Held<Write<'r, P, L>>,
    thread: PhantomData<*mut Moving<'static, P, L>>,
}

impl<P: Platform, L: Location<Platform = P>> Moving<'_, P, L> {
    /// Where it was. No user changes its bytes any more: copy them.
    #[must_use]
    pub fn location(&self) -> &L {
        &self.home.0.location
    }

    /// The memory is here now, and whoever touches it finds it here. Returns where it was.
    pub fn finish(mut self, location: L) -> L {
        self.home.0.moves = self.home.0.moves.wrapping_add(1);
        mem::replace(&mut self.home.0.location, location)
    }
}

/// How often [`Relocatable`] memory had moved when one fault looked. From [`Resident::epoch`].
#[must_use = "come back with it: `epoch.resident(ctx.may_sleep())`"]
pub struct Epoch<'f, 'r, P: Platform, L: Location<Platform = P>> {
    of: &'r Relocatable<P, L>,
    moves: u64,
    brand: Invariant<'f>,
}

impl<'f, 'r, P: Platform, L: Location<Platform = P>> Epoch<'f, 'r, P, L> {
    /// Keeps the memory from moving, if it has not moved since. Waits while somebody moves it.
    ///
    /// # Errors
    /// [`Moved`], if it has moved since: evidence for [`FaultCtx::refault`].
    #[track_caller]
    pub fn resident(self, may_sleep: MaySleep<'_>) -> Result<Resident<'r, P, L>, Moved<'f>> {
        let resident = self.of.resident(may_sleep);
        if resident.home.0.moves == self.moves { Ok(resident) } else { Err(Moved { brand: PhantomData }) }
    }
}

/// Evidence that relocatable memory has moved while this fault was served, from [`Epoch::resident`]. It is good for one
/// [`FaultCtx::refault`] of the same fault.
#[must_use = "answer with it: `ctx.refault(moved)`"]
pub struct Moved<'f> {
    brand: Invariant<'f>,
}

#[diagnostic::do_not_recommend]
impl<'f> wait::sealed::Reason<'f> for Moved<'f> {}
#[diagnostic::do_not_recommend]
impl<'f> RefaultReason<'f> for Moved<'f> {}

/// A spot whose memory a [`Resident`] keeps where it is. Only a `Resident` makes one, because drivers can call the
/// methods of [`MovingPoint`], and a page that is inserted by number needs somebody who keeps it.
#[doc(hidden)]
pub struct HeldSpot<'l, P: Platform>(Spot<'l, P>);

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "memory that moves is inserted by a page fault, and `{Self}` is none",
        label = "not a fault's token",
        note = "in `VmOperations::fault`: `self.memory.resident(ctx.may_sleep()).insert(ctx)`",
        note = "in `MmapFile::mmap` leave it to faults, `Ok(ctx.establish(state)?.fill_later())`: until the hook has \
                returned, unmapping does not know the new mapping, and would leave it where the memory was"
    )]
    pub trait Point {}
}

#[diagnostic::do_not_recommend]
impl<P: Platform, M> sealed::Point for FaultCtx<'_, P, M> {}

/// Where [`Resident::insert`] inserts: a [`FaultCtx`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "memory that moves is inserted by a page fault, and `{Self}` is none",
    label = "not a fault's token",
    note = "in `VmOperations::fault`: `self.memory.resident(ctx.may_sleep()).insert(ctx)`",
    note = "in `MmapFile::mmap` leave it to faults, `Ok(ctx.establish(state)?.fill_later())`: until the hook has \
            returned, unmapping does not know the new mapping, and would leave it where the memory was"
)]
pub trait MovingPoint: sealed::Point + Sized {
    /// The platform.
    type Platform: Platform;
    /// The kind of the mapping.
    type Kind;
    /// The answer.
    type Outcome;

    /// The page of the object that belongs here.
    fn pgoff(&self) -> PageOffset;

    #[doc(hidden)]
    fn is_of(&self, mappings: &SharedObject<Self::Platform>) -> bool;

    #[doc(hidden)]
    fn page_prot(&self) -> PageProt;

    #[doc(hidden)]
    #[track_caller]
    fn insert_spot(self, spot: HeldSpot<'_, Self::Platform>, prot: PageProt) -> Self::Outcome
    where
        Self::Kind: HoldsMoving;

    /// It cannot be served.
    fn fail(self, errno: Errno) -> Self::Outcome;
}

#[diagnostic::do_not_recommend]
impl<'f, P: Platform, M> MovingPoint for FaultCtx<'f, P, M> {
    type Platform = P;
    type Kind = M;
    type Outcome = VmFault<'f>;

    fn pgoff(&self) -> PageOffset {
        self.pgoff()
    }

    fn is_of(&self, mappings: &SharedObject<P>) -> bool {
        P::fault_is_of(self.fault(), &mappings.raw)
    }

    fn page_prot(&self) -> PageProt {
        self.page_prot()
    }

    #[track_caller]
    fn insert_spot(self, spot: HeldSpot<'_, P>, prot: PageProt) -> VmFault<'f>
    where
        M: HoldsMoving,
    {
        let code = self.put_spot(self.frame().page_address(), &spot.0, prot);
        self.answer(code)
    }

    fn fail(self, errno: Errno) -> VmFault<'f> {
        self.fail(errno)
    }
}

impl<P: Platform, M: HoldsMoving> FaultCtx<'_, P, M> {
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
include!("refused/relocatable.rs");
