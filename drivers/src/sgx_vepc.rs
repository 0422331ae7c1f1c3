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
//! nothing, so a second mapping of the same page repeats for ever. Here [`FaultCtx::release`] has three ways out, each
//! of which must be answered; who waits sleeps on a queue; and the answer is an insertion.

use alloc::vec::Vec;
use core::{
    mem,
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem, Mapped, MaySleep, MmapCtx, MmapFile, Mutex, PageCount, PageOffset, PageRef,
    PfnMap, Platform, Release, SharedObject, Ticket, VmFault, VmOperations, WaitQueue,
};

use crate::buffer::copy_bytes;

/// Where a page is.
enum Place<P: Platform> {
    /// Nobody has touched it yet.
    Nowhere,
    /// At this place of the EPC.
    Here(PageOffset),
    /// There, but being reclaimed: nobody has it mapped, and nobody can.
    Leaving(PageOffset),
    /// In RAM (in C encrypted).
    Out(P::Page),
}

struct Pages<P: Platform> {
    places: Vec<Place<P>>,
    /// What is left of the EPC.
    free: Vec<PageOffset>,
}

/// The enclave memory of one virtual machine, and the EPC, which it has for itself.
pub struct Vepc<P: Platform> {
    epc: P::Iomem,
    memory: P::Memory,
    pages: P::Mutex<Pages<P>>,
    /// Woken when a page has been reclaimed.
    reclaimed: P::WaitQueue,
    busy: AtomicUsize,
    mappings: SharedObject<P>,
}

impl<P: Platform> Vepc<P> {
    /// `count` pages, of which as many can be in use at a time as fit into `epc`; the others go to pages of `memory`.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(epc: P::Iomem, memory: P::Memory, count: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let (mut places, mut free) = (Vec::new(), Vec::new());
        places.try_reserve_exact(count.get()).map_err(|_| Errno::ENOMEM)?;
        places.resize_with(count.get(), || Place::Nowhere);
        free.try_reserve_exact(epc.count().get()).map_err(|_| Errno::ENOMEM)?;
        free.extend((0..epc.count().get()).map(PageOffset::new));
        Ok(Self {
            epc,
            memory,
            pages: P::Mutex::new(Pages { places, free }, may_sleep)?,
            reclaimed: P::WaitQueue::new(may_sleep)?,
            busy: AtomicUsize::new(0),
            mappings: SharedObject::new(may_sleep)?,
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
        let mut pages = self.pages.lock(may_sleep);
        let place = pages.places.get_mut(at.index()).ok_or(Errno::EINVAL)?;
        let Place::Here(epc) = *place else { return Err(Errno::EINVAL) };
        *place = Place::Leaving(epc);
        // No fault can insert it again: faults take the lock that is held here.
        self.mappings.unmap(at, PageCount::new(1), may_sleep);
        Ok(())
    }

    /// The reclaimer takes the page out, and whoever has waited for it, or for its place, goes on.
    ///
    /// # Errors
    /// EINVAL for a page that it has not chosen; ENOMEM, and the page stays chosen.
    pub fn finish_reclaim(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut pages = self.pages.lock(may_sleep);
        let place = pages.places.get_mut(at.index()).ok_or(Errno::EINVAL)?;
        let Place::Leaving(epc) = *place else { return Err(Errno::EINVAL) };
        let out = P::alloc_page(&self.memory, may_sleep)?;
        let write = |at, bytes: &[u8]| out.write(at, bytes).map_err(|_| Errno::EIO);
        copy_bytes(P::PAGE_SIZE, |at, bytes| self.read_epc(epc, at, bytes), write)?;
        *place = Place::Out(out);
        // The list has room, because the place was once taken from it.
        pages.free.push(epc);
        drop(pages);
        self.reclaimed.wake_all();
        Ok(())
    }

    /// Removes all pages (`SGX_IOC_VEPC_REMOVE_ALL`): they are as if nobody had ever touched them.
    ///
    /// # Errors
    /// EBUSY while a page is being reclaimed.
    pub fn remove_all(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut pages = self.pages.lock(may_sleep);
        if pages.is_leaving() {
            return Err(Errno::EBUSY);
        }
        self.mappings.unmap(PageOffset::ZERO, PageCount::new(pages.places.len()), may_sleep);
        let Pages { places, free } = &mut *pages;
        for place in places {
            if let Place::Here(epc) = mem::replace(place, Place::Nowhere) {
                free.push(epc);
            }
        }
        Ok(())
    }

    /// Reads a page wherever it is; one that nobody has touched is zeros.
    ///
    /// # Errors
    /// EINVAL if the bytes do not lie in one page of it; EAGAIN while a page is on its way.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let pages = self.pages.try_lock().ok_or(Errno::EAGAIN)?;
        let within = offset % P::PAGE_SIZE;
        match pages.places.get(offset / P::PAGE_SIZE).ok_or(Errno::EINVAL)? {
            Place::Nowhere => into.fill(0),
            Place::Here(epc) | Place::Leaving(epc) => self.read_epc(*epc, within, into)?,
            Place::Out(page) => page.read(within, into).map_err(|_| Errno::EINVAL)?,
        }
        Ok(())
    }

    fn read_epc(&self, epc: PageOffset, within: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.epc.read(epc.index() * P::PAGE_SIZE + within, into).map_err(|_| Errno::EINVAL)
    }

    /// Sees to it that a page is in the EPC; where.
    ///
    /// # Errors
    /// ENXIO behind the end, EBUSY if something must be reclaimed first, ENOSPC if nothing will be.
    fn load(&self, pages: &mut Pages<P>, at: PageOffset) -> Result<PageOffset, Errno> {
        let from = match pages.places.get(at.index()).ok_or(Errno::ENXIO)? {
            Place::Here(epc) => return Ok(*epc),
            Place::Leaving(_) => return Err(Errno::EBUSY),
            Place::Nowhere => None,
            Place::Out(page) => Some(page.clone()),
        };
        let none = if pages.is_leaving() { Errno::EBUSY } else { Errno::ENOSPC };
        let epc = pages.free.pop().ok_or(none)?;
        let write = |at, bytes: &[u8]| self.epc.write(epc.index() * P::PAGE_SIZE + at, bytes).map_err(|_| Errno::EIO);
        let read = |at, bytes: &mut [u8]| match &from {
            Some(page) => page.read(at, bytes).map_err(|_| Errno::EIO),
            None => {
                bytes.fill(0);
                Ok(())
            }
        };
        copy_bytes(P::PAGE_SIZE, read, write)?;
        if let Some(place) = pages.places.get_mut(at.index()) {
            *place = Place::Here(epc);
        }
        Ok(epc)
    }

    /// Answers a fault that must wait for the reclaimer.
    fn wait<'f>(&self, ctx: FaultCtx<'f, P, PfnMap>, since: Ticket<'_, P::WaitQueue>) -> VmFault<'f> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        match ctx.release() {
            Release::Released(released) => {
                // If it was killed instead of woken, the fault does not begin anew; that is not this driver's concern.
                let _ = released.wait(since);
                released.retry()
            }
            Release::NoWait(answer) => answer,
            // The reclaimer takes no mmap lock, so it may be waited for with that held.
            Release::Keep(ctx) => match ctx.wait(since) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            },
        }
    }
}

impl<P: Platform> Pages<P> {
    fn is_leaving(&self) -> bool {
        self.places.iter().any(|place| matches!(place, Place::Leaving(_)))
    }
}

impl<P: Platform> VmOperations for Vepc<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        // Taken before the look at the page: a reclaim that ends between the two would otherwise be waited for in vain.
        let ticket = self.reclaimed.ticket();
        let mut pages = self.pages.lock(ctx.may_sleep());
        match self.load(&mut pages, ctx.pgoff()) {
            Ok(epc) => match self.epc.frame(epc) {
                // The lock is held until the page is in, so that the reclaimer cannot choose it before that.
                Some(frame) => ctx.insert_pfn(frame),
                None => ctx.fail(Errno::EIO),
            },
            Err(Errno::EBUSY) => {
                drop(pages);
                self.wait(ctx, ticket)
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

impl<P: Platform> MmapFile for SgxVepc<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.io().writable().dont_dump().dont_copy();
        Ok(ctx.writable().establish_shared(self.vepc.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.vepc.mappings)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use vmctx::UserAddr;
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
        let (file, process) = (machine.open(SgxVepc::new(vepc.clone())), machine.process());
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
