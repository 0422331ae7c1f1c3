//! The data that the vDSO reads the time from: `arch/x86/entry/vdso/vma.c`, `vvar_fault`.
//!
//! Four pages: the kernel's clocks, two pages of a hypervisor's, which are there once somebody uses them, and one for
//! time namespaces. In a namespace its page with offsets stands where the clocks were, and those are in the fourth
//! slot; who reads the one reads the other next, so one fault brings both.
//!
//! What C does by hand: it computes the neighbour's address from two symbols and the fault's address, inserts there
//! first, and answers with what came of that if it was an error, although the page that was touched could be had. It
//! relies on the neighbour being mapped: such mappings must not be cut. Slots that do not exist and slots that exist
//! and are not used fall through to the same SIGBUS. Joining a namespace zaps under a lock that faults take only for
//! reading, as it does itself; it is safe because the process must have one thread. Here a neighbour is named by its
//! page offset, what became of it cannot be answered, a cut is as good as any, and who joins a namespace takes back what is shown
//! ([`Revocable`]).

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, MaySleep, PageCount, PageOffset, PageRange, PfnMap, Platform,
    PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, VmFault, VmOperations,
};

/// The slot of the clocks.
pub const CLOCKS: PageOffset = PageOffset::new(0);
/// The slot of KVM's clock.
pub const PVCLOCK: PageOffset = PageOffset::new(1);
/// The slot of Hyper-V's clock.
pub const HVCLOCK: PageOffset = PageOffset::new(2);
/// The slot of the clocks in a time namespace.
pub const TIMENS: PageOffset = PageOffset::new(3);
/// How many slots there are.
pub const SLOTS: PageCount = PageCount::new(4);

/// Where in memory the pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The clocks.
    pub clocks: PageOffset,
    /// KVM's clock.
    pub pvclock: PageOffset,
    /// Hyper-V's clock.
    pub hvclock: PageOffset,
}

/// A hypervisor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// KVM's.
    Pvclock,
    /// Hyper-V's.
    Hvclock,
}

/// What a process sees of the time.
struct View<P: Platform> {
    memory: P::Iomem,
    layout: Layout,
    /// The page of its time namespace.
    namespace: Option<PageOffset>,
    uses_pvclock: bool,
    uses_hvclock: bool,
}

impl<P: Platform> Backing for View<P> {
    type Platform = P;

    fn spot(&self, slot: PageCount) -> Result<Spot<'_, P>, Errno> {
        let page = match PageOffset::new(slot.get()) {
            CLOCKS => self.namespace.unwrap_or(self.layout.clocks),
            TIMENS if self.namespace.is_some() => self.layout.clocks,
            PVCLOCK if self.uses_pvclock => self.layout.pvclock,
            HVCLOCK if self.uses_hvclock => self.layout.hvclock,
            _ => return Err(Errno::ENXIO),
        };
        self.memory.frame(page).map(Spot::Frame).ok_or(Errno::ENXIO)
    }
}

/// The data of one process.
pub struct Data<P: Platform> {
    view: Revocable<P, View<P>>,
}

impl<P: Platform> Data<P> {
    /// The data of a process that is in no time namespace and uses no hypervisor's clock.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Iomem, layout: Layout, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let view = View { memory, layout, namespace: None, uses_pvclock: false, uses_hvclock: false };
        Ok(Self { view: Revocable::new(view, &SharedObject::new(may_sleep)?, SLOTS, may_sleep)? })
    }

    /// Joins the time namespace whose page this is, or none.
    ///
    /// # Errors
    /// EINVAL for a page that is not in the memory.
    pub fn join(&self, namespace: Option<PageOffset>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut view = self.view.revoke(may_sleep);
        if namespace.is_some_and(|page| view.memory.frame(page).is_none()) {
            return Err(Errno::EINVAL);
        }
        view.namespace = namespace;
        Ok(())
    }

    /// From now on a hypervisor's clock is in use.
    pub fn use_clock(&self, clock: Clock, may_sleep: MaySleep<'_>) {
        let mut view = self.view.revoke(may_sleep);
        match clock {
            Clock::Pvclock => view.uses_pvclock = true,
            Clock::Hvclock => view.uses_hvclock = true,
        }
    }
}

impl<P: Platform> VmOperations for Data<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|data: &Self| Some(data.view.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let view = self.view.resident(ctx.may_sleep());
        if ctx.pgoff() == CLOCKS {
            // Whoever reads the offsets reads the clocks next.
            view.prefault(&mut ctx, TIMENS);
        }
        view.insert(ctx)
    }
}

/// The mapping `[vvar]` as a file.
pub struct Vvar<P: Platform> {
    data: P::Ref<Data<P>>,
}

impl<P: Platform> Vvar<P> {
    /// Opens it.
    pub fn new(data: P::Ref<Data<P>>) -> Self {
        Self { data }
    }
}

impl<P: Platform> PrepareFile for Vvar<P> {
    type Platform = P;
    type Ops = Data<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        ctx.read_only()?.io().dont_dump().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Data<P>>, Errno> {
        Ok(self.data.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.data.view.object())
    }
}
