//! Pages of enclave memory for a virtual machine: `arch/x86/kernel/cpu/sgx/virt.c`, `sgx_vepc_fault`, with the
//! reclaimer's side from `encl.c`, `sgx_encl_load_page_in_vma` and `sgx_vma_fault`.
//!
//! The enclave page cache (EPC) is a small memory of its own. A page gets its place there when it is touched; the
//! reclaimer takes a page out to RAM, and the next touch brings it back, wherever there is room then.
//!
//! What C gets wrong, or does by hand: what a busy page means is answered twice. `encl.c` repeats the access at once,
//! so that whoever waits for the reclaimer spins. `virt.c` unlocks the mmap lock by its name and answers RETRY, without
//! asking whether the fault is one that must not wait (`FAULT_FLAG_RETRY_NOWAIT`), whose lock has to stay; and where it
//! cannot be retried, a busy page is a SIGBUS. A page that is there already it answers with "repeat" and inserts
//! nothing, so a second mapping of the same page repeats for ever. Here [`FaultCtx::release_and_wait`]
//! has the three ways out, and who waits sleeps on a queue; and the answer is an insertion.

use alloc::vec::Vec;
use core::{
    mem,
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, IomemPart, MaySleep, Mutex, PageCount, PageOffset, PageRange,
    PageRef, PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, Table, VmFault,
    VmOperations, WaitQueue,
};

use crate::buffer::copy_bytes;

/// Where a page is.
#[derive(Default)]
enum Place<P: Platform> {
    /// Nobody has touched it yet.
    #[default]
    Nowhere,
    /// In this page of the EPC.
    Here(IomemPart<P>),
    /// There, but being reclaimed: nobody has it mapped, and nobody can.
    Leaving(IomemPart<P>),
    /// In RAM (in C encrypted).
    Out(P::Page),
}

impl<P: Platform> Backing for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        match self {
            Self::Here(epc) => epc.spot(at),
            // It was reclaimed just now: the access is repeated.
            _ => Err(Errno::EAGAIN),
        }
    }
}

/// What is left of the EPC.
struct Epc<P: Platform> {
    free: Vec<IomemPart<P>>,
    /// How many pages are being reclaimed.
    leaving: usize,
}

/// The enclave memory of one virtual machine, and the EPC, which it has for itself.
pub struct Vepc<P: Platform> {
    memory: P::Memory,
    pages: Revocable<P, Table<Place<P>>>,
    /// Taken while pages are held.
    epc: P::Mutex<Epc<P>>,
    /// Woken when a page has been reclaimed.
    reclaimed: P::WaitQueue,
    busy: AtomicUsize,
}

impl<P: Platform> Vepc<P> {
    /// `count` pages, of which as many can be in use at a time as fit into `epc`; the others go to pages of `memory`.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(epc: P::Iomem, memory: P::Memory, count: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let (mut free, object, each) = (Vec::new(), SharedObject::new(may_sleep)?, PageCount::new(1));
        free.try_reserve_exact(epc.count().get()).map_err(|_| Errno::ENOMEM)?;
        free.extend(IomemPart::whole(epc).chunks(each));
        Ok(Self {
            memory,
            pages: Revocable::in_pieces(&object, count, each, may_sleep)?,
            epc: P::Mutex::new(Epc { free, leaving: 0 }, may_sleep)?,
            reclaimed: P::WaitQueue::new(may_sleep)?,
            busy: AtomicUsize::new(0),
        })
    }

    /// How many faults have met a page that was being reclaimed, or would have needed its place.
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// The reclaimer chooses a page: from now on nobody can be at it. It is [taken out](Self::finish_reclaim) next.
    ///
    /// # Errors
    /// EINVAL for a page that is not in the EPC, or chosen already.
    pub fn begin_reclaim(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.pages.revoke_piece(at.index(), may_sleep, |place| {
            let (leaves, now) = match mem::take(place) {
                Place::Here(epc) => (Ok(()), Place::Leaving(epc)),
                other => (Err(Errno::EINVAL), other),
            };
            *place = now;
            self.epc.lock(may_sleep).leaving += usize::from(leaves.is_ok());
            leaves
        })
    }

    /// The reclaimer takes the page out, and whoever has waited for it, or for its place, goes on.
    ///
    /// # Errors
    /// EINVAL for a page that it has not chosen; ENOMEM, and the page stays chosen.
    pub fn finish_reclaim(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.pages.revoke_piece(at.index(), may_sleep, |place| {
            let Place::Leaving(epc) = place else { return Err(Errno::EINVAL) };
            let out = P::alloc_page(&self.memory, may_sleep)?;
            let read = |at, bytes: &mut [u8]| epc.read(at, bytes).map_err(|_| Errno::EIO);
            copy_bytes(P::PAGE_SIZE, read, |at, bytes| out.write(at, bytes).map_err(|_| Errno::EIO))?;
            if let Place::Leaving(epc) = mem::replace(place, Place::Out(out)) {
                let mut left = self.epc.lock(may_sleep);
                left.leaving -= 1;
                // The list has room, because the page was once taken from it.
                left.free.push(epc);
            }
            Ok(())
        })?;
        self.reclaimed.wake_all();
        Ok(())
    }

    /// Removes all pages (`SGX_IOC_VEPC_REMOVE_ALL`): they are as if nobody had ever touched them.
    ///
    /// # Errors
    /// EBUSY while a page is being reclaimed.
    pub fn remove_all(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut pages = self.pages.revoke_part(0..self.pages.page_count().get(), may_sleep)?;
        let mut left = self.epc.lock(may_sleep);
        if left.leaving != 0 {
            return Err(Errno::EBUSY);
        }
        pages.retain(|_, place| {
            if let Place::Here(epc) = mem::take(place) {
                left.free.push(epc);
            }
            false
        });
        Ok(())
    }

    /// Reads a page wherever it is; one that nobody has touched is zeros.
    ///
    /// # Errors
    /// EINVAL if the bytes do not lie in one page of it; EAGAIN while a page is on its way.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let pages = self.pages.try_resident().ok_or(Errno::EAGAIN)?;
        let within = offset % P::PAGE_SIZE;
        match pages.get(offset / P::PAGE_SIZE).ok_or(Errno::EINVAL)? {
            Place::Nowhere => into.fill(0),
            Place::Here(epc) | Place::Leaving(epc) => epc.read(within, into).map_err(|_| Errno::EINVAL)?,
            Place::Out(page) => page.read(within, into).map_err(|_| Errno::EINVAL)?,
        }
        Ok(())
    }

    /// Sees to it that a page is in the EPC.
    ///
    /// # Errors
    /// EBUSY if something must be reclaimed first, ENOSPC if nothing will be.
    fn load(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.pages.revoke_piece(at.index(), may_sleep, |place| {
            let from = match place {
                Place::Here(_) => return Ok(()),
                Place::Leaving(_) => return Err(Errno::EBUSY),
                Place::Nowhere => None,
                Place::Out(page) => Some(&*page),
            };
            let mut left = self.epc.lock(may_sleep);
            let none = if left.leaving != 0 { Errno::EBUSY } else { Errno::ENOSPC };
            let epc = left.free.pop().ok_or(none)?;
            let read = |at, bytes: &mut [u8]| match from {
                Some(page) => page.read(at, bytes).map_err(|_| Errno::EIO),
                None => {
                    bytes.fill(0);
                    Ok(())
                }
            };
            let copied = copy_bytes(P::PAGE_SIZE, read, |at, bytes| epc.write(at, bytes).map_err(|_| Errno::EIO));
            match copied {
                Ok(()) => *place = Place::Here(epc),
                Err(_) => left.free.push(epc),
            }
            copied
        })
    }
}

impl<P: Platform> VmOperations for Vepc<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|vepc: &Self| Some(vepc.pages.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        // Taken before the look at the page: a reclaim that ends between the two would otherwise be waited for in vain.
        let ticket = self.reclaimed.ticket();
        let pages = self.pages.resident(ctx.may_sleep());
        if let Some(Place::Here(_)) = pages.get(ctx.pgoff().index()) {
            return pages.insert(ctx);
        }
        drop(pages);
        match self.load(ctx.pgoff(), ctx.may_sleep()) {
            Ok(()) => self.pages.resident(ctx.may_sleep()).insert(ctx),
            // The reclaimer takes no mmap lock, so a fault that cannot give its lock up may wait for it, too.
            Err(Errno::EBUSY) => {
                self.busy.fetch_add(1, Ordering::AcqRel);
                ctx.release_and_wait(ticket)
            }
            Err(errno) => ctx.fail(errno),
        }
    }
}

/// The open file.
pub struct SgxVepc<P: Platform> {
    vepc: P::Ref<Vepc<P>>,
}

impl<P: Platform> SgxVepc<P> {
    /// Opens it.
    pub fn new(vepc: P::Ref<Vepc<P>>) -> Self {
        Self { vepc }
    }
}

impl<P: Platform> PrepareFile for SgxVepc<P> {
    type Platform = P;
    type Ops = Vepc<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let ctx = ctx.shared_only()?.io().writable().dont_dump().dont_copy();
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Vepc<P>>, Errno> {
        Ok(self.vepc.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.vepc.pages.object())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use vmctx::{ByPrepare, UserAddr};
    use vmctx_sim::{AccessError, Injection, Machine, Map, Process, Signal, Sim};

    use super::*;

    struct Bench {
        machine: Machine,
        vepc: <Sim as Platform>::Ref<Vepc<Sim>>,
        process: Process,
        at: UserAddr,
    }

    /// One page, mapped, with a 7 in its first byte, and about to be reclaimed.
    fn leaving() -> Bench {
        let machine = Machine::new();
        let epc = machine.device_memory(PageCount::new(1)).unwrap();
        let vepc = Vepc::<Sim>::new(epc, machine.clone(), PageCount::new(1), machine.may_sleep()).unwrap();
        let vepc = Sim::share(vepc, machine.may_sleep()).unwrap();
        let (file, process) = (machine.open(ByPrepare(SgxVepc::new(vepc.clone()))), machine.process());
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();
        process.thread().write_u8(at, 7).unwrap();
        vepc.begin_reclaim(PageOffset::ZERO, machine.may_sleep()).unwrap();
        Bench { machine, vepc, process, at }
    }

    impl Bench {
        /// A load that finds the page busy, and sleeps.
        fn sleeping_load(&self) -> thread::JoinHandle<Result<u8, AccessError>> {
            let (toucher, at) = (self.process.thread(), self.at);
            let load = thread::spawn(move || toucher.read_u8(at));
            while self.vepc.reclaimed.sleepers() == 0 {
                thread::yield_now();
            }
            load
        }

        fn finish(&self) {
            self.vepc.finish_reclaim(PageOffset::ZERO, self.machine.may_sleep()).unwrap();
        }
    }

    #[test]
    fn who_meets_a_busy_page_lets_go_of_the_lock_and_waits() {
        let bench = leaving();
        let load = bench.sleeping_load();
        // munmap gets the mmap lock for write, so the waiting fault does not hold it; and the state outlives the
        // mapping.
        bench.process.munmap(bench.at, Sim::PAGE_SIZE).unwrap();
        bench.finish();
        let error = load.join().unwrap().unwrap_err();
        assert_eq!(error.signal(), Some(Signal::Sigsegv(bench.at)), "begun anew, where nothing is any more");
        assert_eq!(bench.machine.statistics().answers.retry, 1);
    }

    #[test]
    fn what_comes_back_is_what_has_left() {
        let bench = leaving();
        let load = bench.sleeping_load();
        bench.finish();
        assert_eq!(load.join().unwrap(), Ok(7));
        assert_eq!((bench.vepc.busy(), bench.machine.statistics().answers.retry), (1, 1));
    }

    #[test]
    fn a_fault_that_cannot_be_retried_waits_with_its_lock() {
        let bench = leaving();
        bench.machine.inject(Injection::NoRetry);
        let load = bench.sleeping_load();
        bench.finish();
        assert_eq!(load.join().unwrap(), Ok(7));
        assert_eq!(bench.machine.statistics().answers.retry, 0);
    }

    #[test]
    fn a_fault_that_must_not_wait_does_not() {
        let bench = leaving();
        bench.machine.inject(Injection::RetryNoWait);
        // Answered without waiting; what the simulator begins then is a fault that may wait.
        let load = bench.sleeping_load();
        assert_eq!(bench.vepc.busy(), 2);
        bench.finish();
        assert_eq!(load.join().unwrap(), Ok(7));
    }

    #[test]
    fn who_is_killed_waits_no_longer() {
        let bench = leaving();
        let load = bench.sleeping_load();
        bench.process.kill();
        assert_eq!(load.join().unwrap().unwrap_err().signal(), Some(Signal::Killed(bench.at)));
        bench.finish();
    }
}
