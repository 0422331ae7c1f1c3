//! No driver of somebody's, but a probe: the state of a mapping, from its first hook to its end; mappings that do not
//! come about; and what may not be mapped as it is asked for.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, UniquePage,
    UnlockedCtx, VmFault, VmOperations,
};

use super::host::{Host, Opened, asked, buffer, index};
use vmctx_drivers::buffer::Buffer;

/// Pages of the memory. Behind them the device has as many decoys, which no mapping may show.
pub const PAGES: usize = 6;

/// What a mapping is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Pages that faults insert. The state has one of its own, which is the last.
    ByFaults,
    /// The same pages, by their numbers.
    ByNumber,
    /// Decoys, of which some are inserted at mmap; then it fails.
    NotAtAll,
    /// Zeros at mmap, which users may never write.
    ZerosToRead,
    /// Zeros at mmap, which users may write.
    Zeros,
    /// Zeros that faults insert, which users may write.
    ZerosByFaults,
}

impl Made {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::ByFaults, Self::ByNumber, Self::NotAtAll, Self::ZerosToRead, Self::Zeros, Self::ZerosByFaults];
}

/// Chooses what mappings are made of, by its place in [`Made::ALL`].
pub const CHOOSE_MADE: u32 = 1;
/// How many open hooks have succeeded since this was last asked.
pub const OPENED: u32 = 2;
/// How many close hooks were called since this was last asked.
pub const CLOSED: u32 = 3;
/// How many states were dropped whose own page was still mapped, since the device was opened.
pub const DROPPED_EARLY: u32 = 4;
/// How many states there are.
pub const STATES: u32 = 5;
/// The open hook that comes after so many others fails with ENFILE.
pub const FAIL_OPEN: u32 = 6;
/// Whether a page of the memory can be had for oneself alone. The device holds all of them.
pub const CLAIM: u32 = 7;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let may_sleep = host.may_sleep();
    let pages = buffer(host, 0, 2 * PAGES)?;
    let any = H::Platform::alloc_page(host.memory(), may_sleep)?;
    let device = host.device_memory(vmctx::PageCount::new(1))?;
    let memory = Memory::<H::Platform> {
        pages: pages.clone(),
        source: host.memory().clone(),
        physical: host.physical_memory(&device),
        counts_references: H::Platform::is_only_reference(&any),
        made: AtomicUsize::new(0),
        opened: AtomicU64::new(0),
        closed: AtomicU64::new(0),
        dropped_early: AtomicU64::new(0),
        states: AtomicU64::new(0),
        opens_before_one_fails: AtomicU64::new(u64::MAX),
    };
    let memory = H::Platform::share(memory, may_sleep)?;
    let file = File::<H::Platform>(memory.clone());
    let side =
        asked::<H::Platform, _, _>([pages], move |ctx, request, argument| memory.control(ctx, request, argument));
    Ok(Opened::new(file, side))
}

struct Memory<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    source: P::Memory,
    physical: P::Iomem,
    /// Whether the platform says of a page that nobody else has it.
    counts_references: bool,
    made: AtomicUsize,
    opened: AtomicU64,
    closed: AtomicU64,
    dropped_early: AtomicU64,
    states: AtomicU64,
    opens_before_one_fails: AtomicU64,
}

impl<P: Platform> Memory<P> {
    fn made(&self) -> Made {
        Made::ALL.get(self.made.load(Ordering::Acquire)).copied().unwrap_or(Made::ByFaults)
    }

    fn control(&self, _: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            CHOOSE_MADE => self.made.store(index(argument)?, Ordering::Release),
            OPENED => return Ok(self.opened.swap(0, Ordering::AcqRel)),
            CLOSED => return Ok(self.closed.swap(0, Ordering::AcqRel)),
            DROPPED_EARLY => return Ok(self.dropped_early.load(Ordering::Acquire)),
            STATES => return Ok(self.states.load(Ordering::Acquire)),
            FAIL_OPEN => self.opens_before_one_fails.store(argument, Ordering::Release),
            CLAIM => {
                let page = self.pages.page(PageOffset::new(index(argument)?)).ok_or(Errno::ENXIO)?;
                return Ok(UniquePage::<P>::claim_with_contents(page.clone()).is_ok().into());
            }
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}

struct State<P: Platform> {
    memory: P::Ref<Memory<P>>,
    own: P::Page,
    made: Made,
}

impl<P: Platform> State<P> {
    fn open(&self) -> Result<(), Errno> {
        let before = &self.memory.opens_before_one_fails;
        if before.fetch_sub(1, Ordering::AcqRel) == 0 {
            before.store(u64::MAX, Ordering::Release);
            return Err(Errno::ENFILE);
        }
        self.memory.opened.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn close(&self) {
        self.memory.closed.fetch_add(1, Ordering::AcqRel);
    }

    fn page(&self, at: PageOffset) -> Result<&P::Page, Errno> {
        if at.index() == PAGES - 1 { Ok(&self.own) } else { self.memory.pages.page(at).ok_or(Errno::ENXIO) }
    }
}

impl<P: Platform> Drop for State<P> {
    fn drop(&mut self) {
        let memory = &*self.memory;
        memory.states.fetch_sub(1, Ordering::AcqRel);
        if memory.counts_references && !P::is_only_reference(&self.own) {
            memory.dropped_early.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open).close(Self::close);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        match self.made {
            Made::ZerosByFaults => ctx.insert_zero_page(),
            Made::ByNumber => ctx.insert_mixed_with(|at| {
                let pfn = usize::try_from(P::page_pfn(self.page(at.pgoff())?)).map_err(|_| Errno::EOVERFLOW)?;
                self.memory.physical.frame(PageOffset::new(pfn)).ok_or(Errno::ENXIO)
            }),
            _ => ctx.insert_page_with(|at| self.page(at.pgoff())),
        }
    }
}

struct File<P: Platform>(P::Ref<Memory<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let (memory, made) = (&self.0, self.0.made());
        let ctx = if made == Made::ZerosToRead { ctx } else { ctx.writable() };
        let mut ctx = ctx.establish_with(|ctx| {
            let own = P::alloc_page(&memory.source, ctx.may_sleep())?;
            memory.states.fetch_add(1, Ordering::AcqRel);
            Ok(State::<P> { memory: memory.clone(), own, made })
        })?;
        match made {
            Made::NotAtAll => {
                let decoys = memory.pages.pages().get(PAGES..PAGES + PAGES / 2).ok_or(Errno::EIO)?;
                for decoy in decoys {
                    ctx = ctx.insert_page(decoy)?;
                }
                Err(Errno::EIO)
            }
            Made::ZerosToRead | Made::Zeros => {
                while !ctx.is_full() {
                    ctx = ctx.insert_zero_page()?;
                }
                ctx.finish()
            }
            Made::ByFaults | Made::ByNumber | Made::ZerosByFaults => Ok(ctx.fill_later()),
        }
    }
}
