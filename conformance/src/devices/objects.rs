//! No driver of somebody's, but a probe: memory that is taken back from its users, and what that reaches: mappings that
//! were cut, moved or copied, and not the copies that users have made.

use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{
    Backing, Errno, FaultCtx, Handle, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform,
    Revocable, RwLock, SharedObject, Spot, UnlockedCtx, UserAddr, VmFault, VmOperations,
};

use super::host::{Host, Opened, asked, buffer, index};
use vmctx_drivers::buffer::Buffer;

/// Pages of the memory. The device has twice as many: one half is shown, or the other.
pub const PAGES: usize = 6;

/// What a mapping is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The memory.
    Memory,
    /// The same, by a state of another type.
    MemoryToo,
    /// Another object than the file's, says its state.
    AnotherObject,
    /// The memory, says its state; its faults bring what is of another object.
    AnotherMemory,
}

impl Of {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Memory, Self::MemoryToo, Self::AnotherObject, Self::AnotherMemory];
}

/// Chooses what mappings are of, by its place in [`Of::ALL`].
pub const CHOOSE_OF: u32 = 1;
/// Takes the memory back, and shows this half of it from then on.
pub const SHOW: u32 = 2;
/// Takes away what is mapped in the mapping that was made last.
pub const ZAP: u32 = 3;
/// Looks which page of the memory shows at this address, if a state of [`Of::Memory`] is there.
pub const FIND: u32 = 4;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let may_sleep = host.may_sleep();
    let pages = buffer(host, 0, 2 * PAGES)?;
    let memory = |object| {
        let halves = Halves { pages: pages.clone(), shown: 0 };
        Revocable::new(halves, &object, PageCount::new(PAGES), may_sleep)
    };
    let memory = Memory::<H::Platform> {
        shown: memory(SharedObject::new(may_sleep)?)?,
        another: memory(SharedObject::new(may_sleep)?)?,
        of: AtomicUsize::new(0),
        last: <H::Platform as Platform>::RwLock::new(None, may_sleep)?,
    };
    let memory = H::Platform::share(memory, may_sleep)?;
    let file = File::<H::Platform>(memory.clone());
    let side =
        asked::<H::Platform, _, _>([pages], move |ctx, request, argument| memory.control(ctx, request, argument));
    Ok(Opened::new(file, side))
}

struct Halves<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    shown: usize,
}

impl<P: Platform> Backing for Halves<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let page = self.pages.page(PageOffset::new(self.shown * PAGES + at.get()));
        page.map(Spot::Page).ok_or(Errno::ENXIO)
    }
}

struct Memory<P: Platform> {
    shown: Revocable<P, Halves<P>>,
    another: Revocable<P, Halves<P>>,
    of: AtomicUsize,
    last: P::RwLock<Option<Handle<P, Mixed>>>,
}

impl<P: Platform> Memory<P> {
    fn of(&self) -> Of {
        Of::ALL.get(self.of.load(Ordering::Acquire)).copied().unwrap_or(Of::Memory)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            CHOOSE_OF => self.of.store(index(argument)?, Ordering::Release),
            SHOW => self.shown.revoke(ctx.may_sleep()).shown = index(argument)?,
            ZAP => {
                let handle = self.last.write(ctx.may_sleep()).take().ok_or(Errno::EINVAL)?;
                let zapped = handle.lock(ctx).map(|mapped| mapped.zap(PageOffset::ZERO, PageCount::new(PAGES)));
                *self.last.write(ctx.may_sleep()) = Some(handle);
                zapped?;
            }
            FIND => {
                let at = UserAddr::new(index(argument)?);
                let found = ctx.find::<Shown<P>>(at)?.pgoff_of(at).ok_or(Errno::EIO)?;
                return Ok(found.index() as u64);
            }
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}

/// The memory.
struct Shown<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> VmOperations for Shown<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.shown.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.shown.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// The same in another type, and, if so chosen, with faults that bring what is of another object.
struct ShownToo<P: Platform> {
    memory: P::Ref<Memory<P>>,
    brings_another: bool,
}

impl<P: Platform> VmOperations for ShownToo<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.memory.shown.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let memory = if self.brings_another { &self.memory.another } else { &self.memory.shown };
        memory.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// Memory of which the file does not show anything.
struct Another<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> VmOperations for Another<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.another.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.another.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct File<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.shown.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let (memory, ctx) = (&self.0, ctx.writable());
        let ctx = match memory.of() {
            Of::Memory => ctx.establish(Shown::<P>(memory.clone()))?,
            Of::AnotherObject => ctx.establish(Another::<P>(memory.clone()))?,
            of => {
                let brings_another = of == Of::AnotherMemory;
                ctx.establish(ShownToo::<P> { memory: memory.clone(), brings_another })?
            }
        };
        *memory.last.write(ctx.may_sleep()) = Some(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}
