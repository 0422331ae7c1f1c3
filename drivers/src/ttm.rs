//! Graphics objects that migrate between system memory and the card: `drivers/gpu/drm/ttm/ttm_bo_vm.c`,
//! `ttm_bo_vm_reserve`, `ttm_bo_vm_fault_idle` and `ttm_bo_vm_fault_reserved`; the other half of what linux-mm, May
//! 2007, asks for: "objects/textures that can transparently migrate between main memory, AGP, and video memory".
//!
//! A fault reserves the object; if somebody else has it, it gives up its lock, waits, and begins anew. It waits the
//! same way for a move that the card has not finished. Then it brings the page and the fifteen behind it.
//!
//! What C does by hand: where to wait, and what to answer, is in two copies of four lines, for the reservation and for
//! the card; each takes a reference to the object first, because the mapping may go once the lock is given up, and one
//! of them returns with the reservation dropped, which the caller must tell from the other by its answer. An error of
//! the first insertion is answered with `VM_FAULT_NOPAGE`: the access is repeated, and fails, for ever. Here the state
//! is held by whoever has released its lock, the answers are three cases of one type, and the first page **is** the
//! answer; what becomes of the others is not looked at, but for an end.

use core::{
    mem,
    sync::atomic::{AtomicBool, Ordering},
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem, MaySleep, Mutex, PageCount, PageOffset, PageProt, PageRange,
    PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, Release, Resident, Revocable, SharedObject, Spot, VmFault,
    VmOperations, WaitQueue,
};

use crate::buffer::{Buffer, copy_bytes};

/// How many pages a fault brings at most, its own among them (`TTM_BO_VM_NUM_PREFAULT`).
pub const PREFAULT: usize = 16;

/// What an object leaves behind where it was: 64 bytes of it in every page are enough.
const REMAINS: [u8; 64] = [0xee; 64];

/// Where an object can be.
pub enum Place<P: Platform> {
    /// `TTM_PL_SYSTEM`
    System(P::Ref<Buffer<P>>),
    /// `TTM_PL_VRAM`
    Vram(P::Iomem),
}

impl<P: Platform> Clone for Place<P> {
    fn clone(&self) -> Self {
        match self {
            Self::System(pages) => Self::System(pages.clone()),
            Self::Vram(memory) => Self::Vram(memory.clone()),
        }
    }
}

impl<P: Platform> Place<P> {
    /// How many pages it has.
    pub fn page_count(&self) -> PageCount {
        match self {
            Self::System(pages) => pages.page_count(),
            Self::Vram(memory) => memory.count(),
        }
    }

    /// Copies bytes out, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// EINVAL if they do not all lie in it.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match self {
            Self::System(pages) => pages.read(offset, into),
            Self::Vram(memory) => memory.read(offset, into).map_err(|_| Errno::EINVAL),
        }
    }

    /// Copies bytes in, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// EINVAL if they do not all fit into it.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match self {
            Self::System(pages) => pages.write(offset, from),
            Self::Vram(memory) => memory.write(offset, from).map_err(|_| Errno::EINVAL),
        }
    }
}

impl<P: Platform> Backing for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let at = PageOffset::new(at.get());
        let spot = match self {
            Self::System(pages) => pages.page(at).map(Spot::Page),
            Self::Vram(memory) => memory.frame(at).map(Spot::Frame),
        };
        spot.ok_or(Errno::EFAULT)
    }

    fn page_prot(&self, _: PageCount, mapping: PageProt) -> PageProt {
        match self {
            Self::System(_) => mapping.write_back(),
            Self::Vram(_) => mapping.write_combine(),
        }
    }
}

/// A buffer object.
pub struct Object<P: Platform> {
    memory: Revocable<P, Place<P>>,
    /// Where the card still copies the object from.
    moving_from: P::Mutex<Option<Place<P>>>,
    /// Whether it does: the fence.
    busy: AtomicBool,
    /// Woken when the fence is signaled.
    idle: P::WaitQueue,
}

impl<P: Platform> Object<P> {
    /// An object that is there.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(place: Place<P>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let (object, pages) = (SharedObject::new(may_sleep)?, place.page_count());
        let memory = Revocable::new(place, &object, pages, may_sleep)?;
        let moving_from = P::Mutex::new(None, may_sleep)?;
        let idle = P::WaitQueue::new(may_sleep)?;
        Ok(Self { memory, moving_from, busy: AtomicBool::new(false), idle })
    }

    /// Has the card move the object: it is there from now on, and its bytes once the card [has done
    /// it](Self::signal).
    ///
    /// # Errors
    /// EBUSY while the card moves it already; EINVAL for a place that is too small.
    pub fn begin_move(&self, to: Place<P>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        if to.page_count() < self.memory.page_count() {
            return Err(Errno::EINVAL);
        }
        let mut from = self.moving_from.lock(may_sleep);
        if from.is_some() {
            return Err(Errno::EBUSY);
        }
        let mut place = self.memory.revoke(may_sleep);
        // Set before the move ends: nobody may find the object in its new place and not busy.
        self.busy.store(true, Ordering::Release);
        *from = Some(mem::replace(&mut *place, to));
        Ok(())
    }

    /// The card has done it: the fence of the last move is signaled.
    ///
    /// # Errors
    /// ENOENT if there was no move; EIO if the bytes cannot be copied.
    pub fn signal(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut moving_from = self.moving_from.lock(may_sleep);
        let from = moving_from.take().ok_or(Errno::ENOENT)?;
        let resident = self.memory.resident(may_sleep);
        let (to, bytes) = (&*resident, self.memory.page_count().get().saturating_mul(P::PAGE_SIZE));
        copy_bytes(bytes, |at, bytes| from.read(at, bytes), |at, bytes| to.write(at, bytes))?;
        (0..bytes).step_by(P::PAGE_SIZE).try_for_each(|page| from.write(page, &REMAINS))?;
        self.busy.store(false, Ordering::Release);
        self.idle.wake_all();
        Ok(())
    }

    /// Reads the object wherever it is, `offset` bytes from its start.
    ///
    /// # Errors
    /// EINVAL outside it; EAGAIN while it moves.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.settled()?.read(offset, into)
    }

    /// Writes the object wherever it is, `offset` bytes from its start.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.settled()?.write(offset, from)
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn settled(&self) -> Result<Resident<'_, P, Place<P>>, Errno> {
        self.memory.try_resident().filter(|_| !self.is_busy()).ok_or(Errno::EAGAIN)
    }

    /// Reserves the object, with the fault's lock if that needs no waiting. `Err` is the fault's answer.
    fn reserve<'f>(&self, ctx: FaultCtx<'f, P, PfnMap>) -> Result<Reserved<'_, 'f, P>, VmFault<'f>> {
        if let Some(resident) = self.memory.try_resident() {
            return Ok((resident, ctx));
        }
        match ctx.release() {
            Release::Released(released) => {
                drop(self.memory.resident(released.may_sleep()));
                Err(released.retry())
            }
            Release::NoWait(answer) => Err(answer),
            Release::Keep(ctx) => Ok((self.memory.resident(ctx.may_sleep()), ctx)),
        }
    }

    /// Waits until the card has done what it is doing.
    fn wait_idle<'f>(&self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        // Taken before the look at the fence: a signal between the two would otherwise be waited for in vain.
        let since = self.idle.ticket();
        if !self.is_busy() {
            return ctx.fail_or_refault(Errno::EAGAIN);
        }
        ctx.release_and_wait(since)
    }
}

/// A fault that has reserved the object.
type Reserved<'r, 'f, P> = (Resident<'r, P, Place<P>>, FaultCtx<'f, P, PfnMap>);

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(object.memory.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let (resident, mut ctx) = match self.reserve(ctx) {
            Ok(reserved) => reserved,
            Err(answer) => return answer,
        };
        // No move can begin while the object is reserved.
        if self.is_busy() {
            drop(resident);
            return self.wait_idle(ctx);
        }
        for step in 1..PREFAULT {
            let next = ctx.pgoff().checked_add(PageCount::new(step));
            if !next.is_some_and(|next| resident.prefault(&mut ctx, next).is_present()) {
                break;
            }
        }
        resident.insert(ctx)
    }
}

/// The file of an object.
pub struct Ttm<P: Platform> {
    object: P::Ref<Object<P>>,
}

impl<P: Platform> Ttm<P> {
    /// Opens it.
    pub fn new(object: P::Ref<Object<P>>) -> Self {
        Self { object }
    }
}

impl<P: Platform> PrepareFile for Ttm<P> {
    type Platform = P;
    type Ops = Object<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        ctx.io().writable().dont_dump().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Object<P>>, Errno> {
        Ok(self.object.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.object.memory.object())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use vmctx::{ByPrepare, UserAddr};
    use vmctx_sim::{Injection, Machine, Map, Process, Sim};

    use super::*;

    struct Bench {
        machine: Machine,
        object: <Sim as Platform>::Ref<Object<Sim>>,
        vram: Place<Sim>,
        process: Process,
        at: UserAddr,
    }

    fn bench(pages: usize) -> Bench {
        let machine = Machine::new();
        let count = PageCount::new(pages);
        let system = Buffer::alloc(&machine, count, machine.may_sleep()).unwrap();
        let system = Sim::share(system, machine.may_sleep()).unwrap();
        system.write(0, &[7]).unwrap();
        let object = Object::new(Place::System(system), machine.may_sleep()).unwrap();
        let object = Sim::share(object, machine.may_sleep()).unwrap();
        let vram = Place::Vram(machine.device_memory(count).unwrap());
        let file = machine.open(ByPrepare(Ttm::<Sim>::new(object.clone())));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(pages * Sim::PAGE_SIZE)).unwrap();
        Bench { machine, object, vram, process, at }
    }

    impl Bench {
        /// Touches the object while the card moves it, and lets the card finish once somebody waits for it.
        fn touch_while_it_moves(&self) {
            self.object.begin_move(self.vram.clone(), self.machine.may_sleep()).unwrap();
            let (toucher, at) = (self.process.thread(), self.at);
            let touch = thread::spawn(move || toucher.read_u8(at));
            while self.object.idle.sleepers() == 0 {
                thread::yield_now();
            }
            self.object.signal(self.machine.may_sleep()).unwrap();
            assert_eq!(touch.join().unwrap(), Ok(7));
        }
    }

    #[test]
    fn who_waits_for_the_card_gives_up_its_lock() {
        let bench = bench(1);
        bench.object.begin_move(bench.vram.clone(), bench.machine.may_sleep()).unwrap();
        let (toucher, at) = (bench.process.thread(), bench.at);
        let touch = thread::spawn(move || toucher.read_u8(at));
        while bench.object.idle.sleepers() == 0 {
            thread::yield_now();
        }
        // It would wait for ever if the fault had kept the lock. The object lives on in the waiting fault.
        bench.process.munmap(bench.at, Sim::PAGE_SIZE).unwrap();
        bench.object.signal(bench.machine.may_sleep()).unwrap();
        assert!(touch.join().unwrap().is_err_and(|error| error.signal().is_some()));
        assert_eq!(bench.machine.statistics().answers.retry, 1);
    }

    #[test]
    fn who_cannot_give_up_its_lock_waits_with_it() {
        let bench = bench(1);
        bench.machine.inject(Injection::NoRetry);
        bench.touch_while_it_moves();
        let answers = bench.machine.statistics().answers;
        assert_eq!((answers.retry, answers.nopage), (0, 2), "waited, then inserted");
    }

    #[test]
    fn who_must_not_wait_says_so_and_waits_the_next_time() {
        let bench = bench(1);
        bench.machine.inject(Injection::RetryNoWait);
        bench.touch_while_it_moves();
        assert_eq!(bench.machine.statistics().answers.retry, 1);
    }

    #[test]
    fn who_meets_a_reservation_gives_up_its_lock() {
        let bench = bench(1);
        let moving = bench.object.memory.revoke(bench.machine.may_sleep());
        let (toucher, at) = (bench.process.thread(), bench.at);
        let touch = thread::spawn(move || toucher.read_u8(at));
        while bench.machine.statistics().handler_calls == 0 {
            thread::yield_now();
        }
        // This returns only if nobody waits for the reservation with the mmap lock held.
        bench.process.munmap(bench.at, Sim::PAGE_SIZE).unwrap();
        drop(moving);
        assert!(touch.join().unwrap().is_err_and(|error| error.signal().is_some()));
    }

    #[test]
    fn an_error_of_the_first_page_is_an_error_and_of_the_others_is_not() {
        let bench = bench(3);
        bench.machine.inject(Injection::Insertion { after: 0, errno: Errno::EINVAL });
        assert_eq!(bench.process.thread().read_u8(bench.at), Ok(7));
        bench.process.munmap(bench.at, 2 * Sim::PAGE_SIZE).unwrap();
        let last = UserAddr::new(bench.at.get() + 2 * Sim::PAGE_SIZE);
        bench.machine.inject(Injection::Insertion { after: 0, errno: Errno::EINVAL });
        assert!(bench.process.thread().read_u8(last).is_err_and(|error| error.signal().is_some()));
        assert_eq!(bench.machine.statistics().answers.sigbus, 1);
    }
}
