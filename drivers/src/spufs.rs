//! The local store of a synergistic processor (SPU) of the Cell: linux-mm, May 2007, Benjamin Herrenschmidt's mail in
//! "merge populate and nopage into fault"; `arch/powerpc/platforms/cell/spufs/file.c`, `spufs_mem_mmap_fault`.
//!
//! A context has 256 KiB of local store, here 64 KiB: the memory of a processor while the context runs there, pages of
//! RAM while it is saved. Its users have it mapped all the time, "transparently mapped to either the actual SPU HW or a
//! backing store in memory when the SPU is context switched around".
//!
//! What C did by hand: the fault takes the lock of the context switch, inserts, and answers "refault"; that whoever
//! switches contexts takes the same lock and unmaps under it is a matter of care. It changes `vm_page_prot` of a
//! mapping that it holds for reading, because the two places are cached differently; for some years it rounded the
//! address of the fault down to map the processor's memory with one hardware page of 64 KiB. Here [`Revocable`] is
//! the lock, each place says how it is cached, and the hardware page is sixteen slots that one fault fills; the address
//! with all its bits, of which the mail says that it needs it, is asked for under its long name.

use core::mem;

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem, MaySleep, PageCount, PageOffset, PageProt, PageRange, PfnMap,
    Platform, PrepareCtx, PrepareFile, Prepared, Resident, Revocable, SharedObject, Spot, VmFault, VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// The size of a hardware page, in bytes, for pages of this size: 64 KiB, and where that would be no more than one or two,
/// four pages. Local store is one of them.
#[must_use]
pub const fn hardware_page(page_size: usize) -> usize {
    if page_size < 32 << 10 { 64 << 10 } else { 4 * page_size }
}

/// What the next context finds in, and leaves of, what is not its own any more: 64 bytes of it in every page are
/// enough.
const REMAINS: [u8; 64] = [0xee; 64];

/// Where a context's local store is.
struct LocalStore<P: Platform> {
    /// The processor that it runs on. Without one it is saved.
    spu: Option<P::Iomem>,
    saved: P::Ref<Buffer<P>>,
}

impl<P: Platform> LocalStore<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match &self.spu {
            Some(spu) => spu.read(offset, into).map_err(|_| Errno::EINVAL),
            None => self.saved.read(offset, into),
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match &self.spu {
            Some(spu) => spu.write(offset, from).map_err(|_| Errno::EINVAL),
            None => self.saved.write(offset, from),
        }
    }
}

impl<P: Platform> Backing for LocalStore<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let at = PageOffset::new(at.get());
        let spot = match &self.spu {
            Some(spu) => spu.frame(at).map(Spot::Frame),
            None => self.saved.page(at).map(Spot::Page),
        };
        spot.ok_or(Errno::EFAULT)
    }

    fn page_prot(&self, _: PageCount, mapping: PageProt) -> PageProt {
        if self.spu.is_some() { mapping.write_combine() } else { mapping.write_back() }
    }
}

/// A context: what runs on a processor, or waits for one.
pub struct Context<P: Platform> {
    store: Revocable<P, LocalStore<P>>,
}

impl<P: Platform> Context<P> {
    /// A context that is saved, with what is in `saved`.
    ///
    /// # Errors
    /// EINVAL if that is not a hardware page; ENOMEM.
    pub fn new(saved: P::Ref<Buffer<P>>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let pages = saved.page_count();
        if pages.get() != hardware_page(P::PAGE_SIZE) / P::PAGE_SIZE {
            return Err(Errno::EINVAL);
        }
        let (place, object) = (LocalStore { spu: None, saved }, SharedObject::new(may_sleep)?);
        Ok(Self { store: Revocable::new(place, &object, pages, may_sleep)? })
    }

    /// Switches the context to a processor, or saves it. Users see nothing of it but a fault.
    ///
    /// # Errors
    /// EINVAL for a processor with less memory than the context has; then the context stays where it is.
    pub fn switch_to(&self, spu: Option<P::Iomem>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        if spu.as_ref().is_some_and(|spu| spu.count() < self.store.page_count()) {
            return Err(Errno::EINVAL);
        }
        let mut place = self.store.revoke(may_sleep);
        let to = LocalStore::<P> { spu, saved: place.saved.clone() };
        let stays = match (&place.spu, &to.spu) {
            (None, None) => true,
            (Some(from), Some(to)) => from.base() == to.base(),
            _ => false,
        };
        if stays {
            return Ok(());
        }
        copy_bytes(hardware_page(P::PAGE_SIZE), |at, bytes| place.read(at, bytes), |at, bytes| to.write(at, bytes))?;
        let from = mem::replace(&mut *place, to);
        (0..hardware_page(P::PAGE_SIZE)).step_by(P::PAGE_SIZE).try_for_each(|page| from.write(page, &REMAINS))
    }

    /// Whether it runs on a processor.
    pub fn is_running(&self, may_sleep: MaySleep<'_>) -> bool {
        self.store.resident(may_sleep).spu.is_some()
    }

    /// Reads local store wherever it is, `offset` bytes from its start.
    ///
    /// # Errors
    /// EINVAL outside it; EAGAIN while it moves.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.store.try_resident().ok_or(Errno::EAGAIN)?.read(offset, into)
    }

    /// Writes local store wherever it is, `offset` bytes from its start.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.store.try_resident().ok_or(Errno::EAGAIN)?.write(offset, from)
    }
}

impl<P: Platform> VmOperations for Context<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|context: &Self| Some(context.store.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let store = self.store.resident(ctx.may_sleep());
        if store.spu.is_some() {
            map_hardware_page(&store, &mut ctx);
        }
        store.insert(ctx)
    }
}

/// Maps the other slots of the hardware page that the fault is in. It is aligned in the address space; where the store
/// is not mapped so, the hardware would have no such page, and the fault brings its own slot alone.
fn map_hardware_page<P: Platform>(store: &Resident<'_, P, LocalStore<P>>, ctx: &mut FaultCtx<'_, P, PfnMap>) {
    let slot = ctx.user_address_for_odd_page_sizes().get() % hardware_page(P::PAGE_SIZE) / P::PAGE_SIZE;
    let slots = hardware_page(P::PAGE_SIZE) / P::PAGE_SIZE;
    if ctx.pgoff().index() % slots != slot {
        return;
    }
    let first = ctx.pgoff().index() - slot;
    for at in (first..first.saturating_add(slots)).map(PageOffset::new) {
        store.prefault(ctx, at);
    }
}

/// The file `mem` of a context.
pub struct Spufs<P: Platform> {
    context: P::Ref<Context<P>>,
}

impl<P: Platform> Spufs<P> {
    /// Opens it.
    pub fn new(context: P::Ref<Context<P>>) -> Self {
        Self { context }
    }
}

impl<P: Platform> PrepareFile for Spufs<P> {
    type Platform = P;
    type Ops = Context<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        ctx.shared_only()?.io().writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Context<P>>, Errno> {
        Ok(self.context.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.context.store.object())
    }
}
