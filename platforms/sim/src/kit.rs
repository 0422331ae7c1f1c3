//! What a driver's test asks a machine for, beside errors on order.

use vmctx_hosted::{Hold, HoldAt, Page, Report, Trace};

use crate::{leaks::Leaks, machine::Machine};

/// A point at which a test can have the thread [held](Machine::hold) that comes by, between two steps of a driver's: where
/// there is no call to hold it at. It is for drivers under test, so it stands behind `#[cfg(test)]` or in a mock. While
/// nobody is to be held, it is a look at a number.
///
/// ```
/// use std::thread;
/// use vmctx_sim::{Machine, pass};
///
/// let machine = Machine::new();
/// let hold = machine.hold("between the two");
/// thread::scope(|scope| {
///     let driver = scope.spawn(|| {
///         let page = machine.alloc_page();
///         let _right = machine.may_sleep();
///         pass("between the two");
///         drop(page);
///     });
///     hold.reached();
///     assert_eq!(machine.statistics().frames_in_use, 1);
///     hold.go_on();
///     driver.join().unwrap();
/// });
/// machine.check_leaks().unwrap();
/// ```
pub fn pass(name: &'static str) {
    vmctx_hosted::pass(HoldAt::Named(name));
}

impl Machine {
    /// Has the hooks noted that are called on this machine from now on, what each is about, and what it answers.
    ///
    /// ```
    /// use vmctx::{Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, VmFault, VmOperations, platform::FaultCode};
    /// use vmctx_sim::{Answer, Hook, Machine, Map, Page, Prot, Sim};
    ///
    /// struct Driver(Option<Page>);
    ///
    /// impl VmOperations for Driver {
    ///     type Platform = Sim;
    ///     type Kind = Mixed;
    ///     const HOOKS: Hooks<Self> = Hooks::NONE.close(|_| ());
    ///
    ///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
    ///         ctx.insert_page_with(|_| self.0.as_ref().ok_or(Errno::ENXIO))
    ///     }
    /// }
    ///
    /// impl MmapFile for Driver {
    ///     type Platform = Sim;
    ///
    ///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
    ///         Ok(ctx.establish(Driver(self.0.clone()))?.fill_later())
    ///     }
    /// }
    ///
    /// let machine = Machine::new();
    /// let file = machine.open(Driver(machine.alloc_page().ok()));
    /// let process = machine.process();
    /// let trace = machine.trace();
    /// let at = process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    /// process.thread().read_u8(at).unwrap();
    /// process.munmap(at, 4096).unwrap();
    /// let expected = [
    ///     (Hook::Mmap, Answer::Done),
    ///     (Hook::Fault, Answer::Fault(FaultCode::NOPAGE)),
    ///     (Hook::Close, Answer::Done),
    /// ];
    /// assert_eq!(trace.answers(), expected);
    /// ```
    pub fn trace(&self) -> Trace {
        self.parts.traces.begin()
    }

    /// Whether everything has gone that was made on this machine: frames with references, and page tables. Asked when
    /// the processes, the files and the driver's own pages are dropped.
    ///
    /// # Errors
    /// What is left.
    ///
    /// ```
    /// use vmctx_sim::Machine;
    ///
    /// let machine = Machine::new();
    /// let page = machine.alloc_page().unwrap();
    /// let leaks = machine.check_leaks().unwrap_err();
    /// assert_eq!(leaks.to_string(), "left behind: 1 frames with 1 references, 0 page tables");
    /// drop(page);
    /// machine.check_leaks().unwrap();
    /// ```
    pub fn check_leaks(&self) -> Result<(), Leaks> {
        Leaks::of(&self.statistics())
    }

    /// What drivers have done wrong on this machine that had no consequences this time, in order; the same at the same
    /// places once. Drivers that are in order leave it empty. The processes'
    /// [`complaints`](vmctx_hosted::UserSide::complaints) are these reports, too, and take them away.
    ///
    /// ```
    /// use vmctx::{Platform, SpinLock};
    /// use vmctx_sim::{Machine, MightSleep, Report, Sim};
    ///
    /// let machine = Machine::new();
    /// let count = <Sim as Platform>::SpinLock::new(0, machine.may_sleep()).unwrap();
    /// let mut held = count.lock();
    /// *held += 1;
    /// let _page = machine.alloc_page();
    /// drop(held);
    /// let _page = machine.alloc_page();
    ///
    /// let reports = machine.reports();
    /// let [Report::SleptUnderSpinLock { taken, call: MightSleep::Allocation, called }] = &reports[..] else {
    ///     panic!("{reports:?}");
    /// };
    /// assert_eq!(taken.line() + 2, called.line());
    /// ```
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.parts.reports.all()
    }

    /// Holds the next other thread of this machine's that comes to such a point, with all the locks that it has: so that
    /// a test decides what happens meanwhile. It goes on when the value is dropped. A point is a call that may sleep, as
    /// a [`MightSleep`](crate::MightSleep); a hook that is about to be called, as a [`Hook`](crate::Hook); or where a
    /// driver, in its tests, [passes a name](crate::pass).
    ///
    /// Here a driver looks whether its memory is there, and inserts it without a lock in between:
    ///
    /// ```
    /// use std::{
    ///     sync::atomic::{AtomicBool, Ordering},
    ///     thread,
    /// };
    /// use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, VmFault, VmOperations};
    /// use vmctx_sim::{Machine, Map, MightSleep, Page, Ref, Sim};
    ///
    /// struct Naive {
    ///     page: Page,
    ///     revoked: AtomicBool,
    /// }
    ///
    /// impl VmOperations for Naive {
    ///     type Platform = Sim;
    ///     type Kind = Mixed;
    ///
    ///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
    ///         if self.revoked.load(Ordering::SeqCst) {
    ///             return ctx.fail(Errno::EIO);
    ///         }
    ///         ctx.insert_page(&self.page)
    ///     }
    /// }
    /// # struct Device(Ref<Naive>);
    /// # impl MmapFile for Device {
    /// #     type Platform = Sim;
    /// #     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
    /// #         Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    /// #     }
    /// # }
    ///
    /// let machine = Machine::new();
    /// let state = Ref::new(Naive { page: machine.alloc_page().unwrap(), revoked: AtomicBool::new(false) });
    /// let file = machine.open(Device(state.clone()));
    /// let process = machine.process();
    /// let at = process.mmap(&file, Map::shared(4096)).unwrap();
    ///
    /// let hold = machine.hold(MightSleep::Insertion);
    /// thread::scope(|scope| {
    ///     let load = scope.spawn(|| process.thread().read_u8(at));
    ///     hold.reached();
    ///     state.revoked.store(true, Ordering::SeqCst);
    ///     file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    ///     hold.go_on();
    ///     load.join().unwrap().unwrap();
    /// });
    /// assert_eq!(process.mapped_pages(at, 4096), PageCount::new(1), "the bug: revoked, and mapped");
    /// ```
    pub fn hold(&self, at: impl Into<HoldAt>) -> Hold {
        self.parts.holds.hold(at.into())
    }

    /// These pages are of a driver's pool, which gives each of them to one user at a time: to the mappings of one state.
    /// From now on it is [reported](Report::PageOfTwoUsers) if one is inserted for a user while another has it mapped.
    ///
    /// A driver whose pool is of [`UniquePage`](vmctx::UniquePage) cannot do that.
    pub fn watch_pool(&self, pages: &[Page<Self>]) {
        self.parts.pool.watch(pages.iter().map(Page::pfn));
    }
}
