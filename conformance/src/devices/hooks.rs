//! No driver of somebody's, but a probe: what hooks are told of their faults, what they wait for, and what comes of what
//! they do in between. What is to be done is chosen before a mapping is made, and is counted.

use core::{
    hint,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use vmctx::{
    ByPrepare, Errno, FaultCtx, FrameSource, Handle, Hooks, MapPagesCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile,
    Mutex, PageCount, PageMkwriteCtx, PageOffset, PageRange, PfnMkwriteCtx, Platform, Prefault, PrepareCtx,
    PrepareFile, PrepareHook, Prepared, Release, RwLock, SharedObject, UnlockedCtx, VmFault, VmOperations, WaitQueue,
};

use super::host::{Host, Opened, asked, buffer, index, registers};
use vmctx_drivers::buffer::Buffer;

/// Pages of the memory. Behind them the device has as many more, which take their places.
pub const PAGES: usize = 6;

/// What the hooks of a mapping do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// They insert pages, one by one, or many around a load.
    Insert,
    /// The fault hook asks for a new try each time that it can.
    Retry,
    /// The fault hook locks the first page, whichever it inserts, and looks whether it is alone.
    LockPage,
    /// The fault hook waits on a queue that was woken since.
    WaitInVain,
    /// They insert frames, and are told of stores.
    TellFrame,
    /// The fault hook of a store inserts a frame that can be written at once.
    WriteFrame,
    /// The hook that is told of a store to a frame tries it with another frame first.
    MistakeFrame,
    /// The hook that is told of a store to a page has another page take its place.
    ReplacePage,
    /// The hook that is told of a store to a page waits, with the page locked.
    HoldPage,
    /// The mmap hook waits for [`TRY_LOCK`].
    HoldMmap,
    /// A prepare hook describes the mapping, and has all pages mapped at once.
    Describe,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Insert,
        Self::Retry,
        Self::LockPage,
        Self::WaitInVain,
        Self::TellFrame,
        Self::WriteFrame,
        Self::MistakeFrame,
        Self::ReplacePage,
        Self::HoldPage,
        Self::HoldMmap,
        Self::Describe,
    ];
}

/// What is counted, or noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The address of the last fault.
    Address,
    /// Faults that were not of user mode.
    NotOfUser,
    /// Calls of `map_pages`.
    Around,
    /// Offsets that a hook was told of, or could insert at, and that do not lie in the mapping.
    Outside,
    /// Locks that were given up.
    Released,
    /// Threads that had a page locked which somebody else had locked, too.
    NotAlone,
    /// First stores that were told.
    Told,
}

/// How many of these there are.
const SEEN: usize = 7;

/// Chooses what is done, by its place in [`Act::ALL`].
pub const CHOOSE_ACT: u32 = 1;
/// Takes what was seen: the argument is the [`Seen`].
pub const TAKE: u32 = 2;
/// Waits until [`WAKE`], and answers whether that had been asked for by then.
pub const WAIT: u32 = 3;
/// How many wait, in [`WAIT`], in [`TRY_LOCK`] or in the hook that holds a page.
pub const WAITING: u32 = 4;
/// Wakes all.
pub const WAKE: u32 = 5;
/// Waits on a queue that was woken since.
pub const WAIT_IN_VAIN: u32 = 6;
/// Waits until a mmap hook is there, and then locks the mapping that was made last, without waiting.
pub const TRY_LOCK: u32 = 7;
/// Takes the right to write from page 0 of the mapping that was made last.
pub const WRITE_PROTECT: u32 = 8;
/// Whether [`WRITE_PROTECT`] has come to its end since this was last asked.
pub const IS_PROTECTED: u32 = 9;

/// How many retries of one mapping's faults are asked for at most, where each asks for another.
pub const RETRIES: u64 = 100;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let may_sleep = host.may_sleep();
    let memory = Memory::<H::Platform> {
        object: SharedObject::new(may_sleep)?,
        pages: buffer(host, 0, 2 * PAGES)?,
        frames: registers(host, 2 * PAGES)?,
        act: AtomicU64::new(0),
        seen: [const { AtomicU64::new(0) }; SEEN],
        is_woken: AtomicBool::new(false),
        is_protected: AtomicBool::new(false),
        is_replaced: AtomicBool::new(false),
        locked: AtomicU64::new(0),
        waiting: AtomicU64::new(0),
        queue: <H::Platform as Platform>::WaitQueue::new(may_sleep)?,
        in_mmap: <H::Platform as Platform>::WaitQueue::new(may_sleep)?,
        turn: <H::Platform as Platform>::Mutex::new((), may_sleep)?,
        last: <H::Platform as Platform>::RwLock::new(None, may_sleep)?,
    };
    let memory = H::Platform::share(memory, may_sleep)?;
    let file = File::<H::Platform> { memory: memory.clone(), described: ByPrepare(AtOnce(memory.clone())) };
    let side = asked::<H::Platform, _, _>([memory.pages.clone()], move |ctx, request, argument| {
        memory.control(ctx, request, argument)
    });
    Ok(Opened::new(file, side))
}

struct Memory<P: Platform> {
    object: SharedObject<P>,
    pages: P::Ref<Buffer<P>>,
    frames: P::Iomem,
    act: AtomicU64,
    seen: [AtomicU64; SEEN],
    is_woken: AtomicBool,
    is_protected: AtomicBool,
    /// Whether page 0 is the one behind the others.
    is_replaced: AtomicBool,
    /// How many threads have the first page locked.
    locked: AtomicU64,
    waiting: AtomicU64,
    /// Who waits for [`WAKE`].
    queue: P::WaitQueue,
    /// Who waits for a mmap hook.
    in_mmap: P::WaitQueue,
    /// What mmap hooks wait for that [`Act::HoldMmap`].
    turn: P::Mutex<()>,
    last: P::RwLock<Option<Handle<P, Mixed>>>,
}

impl<P: Platform> Memory<P> {
    fn act(&self) -> Act {
        let chosen = self.act.load(Ordering::Acquire);
        usize::try_from(chosen).ok().and_then(|chosen| Act::ALL.get(chosen)).copied().unwrap_or(Act::Insert)
    }

    fn note(&self, seen: Seen, more: u64) {
        if let Some(count) = self.seen.get(seen as usize) {
            count.fetch_add(more, Ordering::AcqRel);
        }
    }

    fn page(&self, at: PageOffset) -> Result<&P::Page, Errno> {
        let replaced = at == PageOffset::ZERO && self.is_replaced.load(Ordering::Acquire);
        let at = if replaced { PageOffset::new(PAGES) } else { at };
        self.pages.page(at).ok_or(Errno::ENXIO)
    }

    fn frame(&self, at: PageOffset) -> Result<vmctx::Frame<'_, P>, Errno> {
        self.frames.frame(at).ok_or(Errno::ENXIO)
    }

    /// Locks the first page, and looks whether anybody else has it locked.
    fn lock_page(&self, ctx: &FaultCtx<'_, P, Mixed>) -> Result<(), Errno> {
        let locked = ctx.lock_page(self.page(PageOffset::ZERO)?);
        if self.locked.fetch_add(1, Ordering::AcqRel) != 0 {
            self.note(Seen::NotAlone, 1);
        }
        // Long enough for others to come, and to be seen.
        (0..20_000).for_each(|_| hint::spin_loop());
        self.locked.fetch_sub(1, Ordering::AcqRel);
        drop(locked);
        Ok(())
    }

    /// Waits until it is woken, and can be seen to wait.
    fn wait(&self, wait: impl FnOnce(vmctx::Ticket<'_, P::WaitQueue>) -> Result<(), Errno>) -> Result<(), Errno> {
        let since = self.queue.ticket();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waited = wait(since);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        waited
    }

    /// [`TRY_LOCK`]
    fn try_lock(&self, ctx: &mut UnlockedCtx<'_, P>) -> Result<u64, Errno> {
        let handle = self.last.write(ctx.may_sleep()).take().ok_or(Errno::EINVAL)?;
        let turn = self.turn.lock(ctx.may_sleep());
        let since = self.in_mmap.ticket();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waited = ctx.wait(since);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        let locked = waited.and_then(|()| handle.try_lock(ctx).map(drop));
        drop(turn);
        *self.last.write(ctx.may_sleep()) = Some(handle);
        locked.map(|()| 0)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            CHOOSE_ACT => {
                self.is_woken.store(false, Ordering::Release);
                self.is_protected.store(false, Ordering::Release);
                self.is_replaced.store(false, Ordering::Release);
                self.act.store(argument, Ordering::Release);
            }
            TAKE => return Ok(self.seen.get(index(argument)?).ok_or(Errno::EINVAL)?.swap(0, Ordering::AcqRel)),
            WAIT => {
                self.wait(|since| ctx.wait(since))?;
                return Ok(self.is_woken.load(Ordering::Acquire).into());
            }
            WAITING => return Ok(self.waiting.load(Ordering::Acquire)),
            WAKE => {
                self.is_woken.store(true, Ordering::Release);
                self.queue.wake_all();
            }
            WAIT_IN_VAIN => {
                let since = self.queue.ticket();
                self.queue.wake_all();
                ctx.wait(since)?;
            }
            TRY_LOCK => return self.try_lock(ctx),
            WRITE_PROTECT => {
                let handle = self.last.write(ctx.may_sleep()).take().ok_or(Errno::EINVAL)?;
                handle.lock(ctx)?.write_protect(PageOffset::ZERO, PageCount::new(1));
                self.is_protected.store(true, Ordering::Release);
                *self.last.write(ctx.may_sleep()) = Some(handle);
            }
            IS_PROTECTED => return Ok(self.is_protected.swap(false, Ordering::AcqRel).into()),
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}

/// A mapping of pages, with every hook that such can have.
struct Pages<P: Platform> {
    memory: P::Ref<Memory<P>>,
    /// What of the object it shows.
    shown: PageRange,
}

impl<P: Platform> Pages<P> {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        let memory = &*self.memory;
        memory.note(Seen::Around, 1);
        let wanted = ctx.wanted();
        if wanted.start < self.shown.start || wanted.end > self.shown.end {
            memory.note(Seen::Outside, 1);
        }
        if memory.act() == Act::Insert {
            for at in wanted {
                if let Ok(page) = memory.page(at) {
                    ctx.prefault_page(at, page);
                }
            }
        }
        ctx.finish()
    }

    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let memory = &*self.memory;
        match memory.act() {
            Act::ReplacePage if !memory.is_replaced.swap(true, Ordering::AcqRel) => {
                memory.object.unmap_once(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
                ctx.allow()
            }
            Act::HoldPage if !memory.is_woken.load(Ordering::Acquire) => {
                let locked = ctx.lock_page();
                memory.note(Seen::Told, 1);
                match memory.wait(|since| ctx.wait(since).map(drop)) {
                    Ok(()) => ctx.allow_locked(locked),
                    Err(errno) => ctx.fail_or_refault(errno),
                }
            }
            _ => {
                memory.note(Seen::Told, 1);
                ctx.allow()
            }
        }
    }
}

impl<P: Platform> VmOperations for Pages<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .object(|pages: &Self| Some(&pages.memory.object))
        .map_pages(Self::map_pages)
        .page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let memory = &*self.memory;
        if let Some(address) = memory.seen.get(Seen::Address as usize) {
            address.store(ctx.user_address_for_odd_page_sizes().get() as u64, Ordering::Release);
        }
        memory.note(Seen::NotOfUser, u64::from(!ctx.is_user()));
        memory.note(Seen::Outside, u64::from(ctx.pgoff_range() != self.shown));
        if let Ok(page) = memory.page(PageOffset::ZERO) {
            let outside = ctx.prefault_page(self.shown.end, page) != Prefault::OutsideMapping;
            memory.note(Seen::Outside, u64::from(outside));
        }
        match memory.act() {
            Act::Retry
                if memory
                    .seen
                    .get(Seen::Released as usize)
                    .is_some_and(|seen| seen.load(Ordering::Acquire) < RETRIES) =>
            {
                match ctx.release() {
                    Release::Released(released) => {
                        memory.note(Seen::Released, 1);
                        return released.retry();
                    }
                    Release::NoWait(answer) => return answer,
                    Release::Keep(kept) => ctx = kept,
                }
            }
            Act::LockPage => {
                if let Err(errno) = memory.lock_page(&ctx) {
                    return ctx.fail(errno);
                }
            }
            Act::WaitInVain => {
                let since = memory.queue.ticket();
                memory.queue.wake_all();
                if let Err(errno) = ctx.wait(since) {
                    return ctx.fail_or_refault(errno);
                }
            }
            _ => {}
        }
        ctx.insert_page_with(|at| memory.page(at.pgoff()))
    }
}

/// A mapping of frames, with first stores told.
struct Frames<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> Frames<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let (memory, at) = (&*self.0, ctx.pgoff());
        memory.note(Seen::Told, 1);
        let mistaken = memory.act() == Act::MistakeFrame && !memory.is_replaced.swap(true, Ordering::AcqRel);
        let at = if mistaken { at.checked_add(PageCount::new(PAGES)).unwrap_or_default() } else { at };
        match memory.frame(at) {
            Ok(frame) => ctx.insert_mixed_mkwrite(frame),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> VmOperations for Frames<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.object(|frames: &Self| Some(&frames.0.object)).pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let memory = &*self.0;
        if ctx.is_write() && memory.act() == Act::WriteFrame {
            return ctx.insert_mixed_mkwrite_with(|at| memory.frame(at.pgoff()));
        }
        ctx.insert_mixed_with(|at| memory.frame(at.pgoff()))
    }
}

struct File<P: Platform> {
    memory: P::Ref<Memory<P>>,
    described: ByPrepare<AtOnce<P>>,
}

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.memory.object)
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, P>> {
        self.described.prepare_hook().filter(|_| self.memory.act() == Act::Describe)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let memory = &self.memory;
        let end = ctx.pgoff().checked_add(ctx.page_count()).ok_or(Errno::EOVERFLOW)?;
        let shown = PageRange::new(ctx.pgoff(), end);
        match memory.act() {
            Act::Describe => return self.described.mmap(ctx),
            Act::TellFrame | Act::WriteFrame | Act::MistakeFrame => {
                let ctx = ctx.writable().establish(Frames::<P>(memory.clone()))?;
                *memory.last.write(ctx.may_sleep()) = Some(ctx.handle()?);
                return Ok(ctx.fill_later());
            }
            Act::HoldMmap => {
                memory.in_mmap.wake_all();
                drop(memory.turn.lock(ctx.may_sleep()));
            }
            _ => {}
        }
        let ctx = ctx.writable().establish(Pages::<P> { memory: memory.clone(), shown })?;
        if memory.act() != Act::HoldMmap {
            *memory.last.write(ctx.may_sleep()) = Some(ctx.handle()?);
        }
        Ok(ctx.fill_later())
    }
}

/// What describes mappings that are filled at once, and whose first stores are told.
struct AtOnce<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> PrepareFile for AtOnce<P> {
    type Platform = P;
    type Ops = Pages<P>;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.object)
    }

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.writable().fill_at_pgoff(self.0.pages.pages())
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Pages<P>>, Errno> {
        P::share(Pages { memory: self.0.clone(), shown }, may_sleep)
    }
}
