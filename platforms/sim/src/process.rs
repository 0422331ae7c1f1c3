//! Processes: an address space, its lock, and who holds it.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::RwLock;

use super::vma::SimVmas as _;
use vmctx::{Errno, PageCount, PageProt, Platform, UnlockedCtx, UserAddr, entry, platform::Cache};
use vmctx_hosted::{PageTable, vma};

use super::{
    Caller, File, Machine, Sim, SyscallError, Thread, WaitQueue,
    hook::{self, Hook},
    pagetable::PageTables,
    vma::{TASK_SIZE, Vma},
    wait::Sleepers,
};

const PAGE_SIZE: usize = Sim::PAGE_SIZE;

pub(super) type Space = vma::Space<Sim>;
pub(super) type ReadLock = vma::ReadLock<Sim>;
pub(super) type WriteLock = vma::WriteLock<Sim>;

/// One address space (`mm_struct`).
pub(super) struct Mm {
    machine: Machine,
    tables: Arc<PageTables>,
    space: Arc<RwLock<Space>>,
    killed: AtomicBool,
    sleepers: Sleepers,
}

impl Mm {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            tables: Arc::new(PageTables::new(machine.clone())),
            machine,
            space: Arc::default(),
            killed: AtomicBool::new(false),
            sleepers: Sleepers::default(),
        }
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(super) fn tables(&self) -> &Arc<PageTables> {
        &self.tables
    }

    pub(super) fn space(&self) -> &Arc<RwLock<Space>> {
        &self.space
    }

    pub(super) fn read_lock(&self) -> ReadLock {
        self.space.read_arc()
    }

    /// For whoever makes the address space, and knows that nobody else has it.
    pub(super) fn new_space(&self) -> WriteLock {
        self.space.write_arc()
    }

    /// For a system call: not from inside a hook, which may hold the lock, and not after the exit.
    pub(super) fn write_lock(&self) -> Result<WriteLock, SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        let lock = self.space.write_arc();
        if lock.stopped { Err(SyscallError::Exited) } else { Ok(lock) }
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    pub(super) fn wait(&self, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        self.sleepers.wait(queue, wakes, || self.is_killed())
    }

    /// Takes away what is mapped in a range whose ends were split at: entries first, then the links, then tables,
    /// then the states. Gives back the files, to be dropped after the lock.
    pub(super) fn unmap(&self, space: &mut Space, range: &Range<usize>) -> Vec<File> {
        let mut vmas = space.vmas.take(range);
        for vma in &vmas {
            self.tables.zap(&vma.range(), true);
            vma.file().mappings().lock().unlink(vma);
        }
        self.free_tables(space, range);
        let files = vmas.iter().map(|vma| vma.file().clone()).collect();
        // All entries are gone by now, so that a driver's panic in here leaves none behind.
        vmas.iter_mut().for_each(Vma::close);
        files
    }

    /// Frees the page tables in a range that no VMA needs any more.
    pub(super) fn free_tables(&self, space: &Space, range: &Range<usize>) {
        self.tables.free(range.clone(), |span| space.vmas.intersecting(&span).is_some());
    }

    /// `exit_mmap`
    fn exit(&self) -> Vec<File> {
        let mut space = self.space.write();
        space.stopped = true;
        self.unmap(&mut space, &(0..TASK_SIZE))
    }
}

impl Drop for Mm {
    fn drop(&mut self) {
        self.exit();
    }
}

/// A process: one address space. Clones are the same process.
///
/// Its system calls are Linux's, with Linux's error numbers. They take the mmap lock: `mmap` holds it for write while
/// the driver's mmap hook runs, and a fault holds it for read while the fault hook runs. So a call from inside a hook
/// is refused ([`SyscallError::InsideHook`]).
///
/// It exits when the last handle and the last [`Thread`] are dropped, or by [`exit`](Self::exit).
#[derive(Clone)]
pub struct Process {
    mm: Arc<Mm>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("killed", &self.mm.is_killed()).finish_non_exhaustive()
    }
}

impl Process {
    pub(super) fn new(machine: Machine) -> Self {
        Self { mm: Arc::new(Mm::new(machine)) }
    }

    pub(super) fn mm(&self) -> &Arc<Mm> {
        &self.mm
    }

    /// A user thread of this process.
    #[must_use]
    pub fn thread(&self) -> Thread {
        Thread::new(self.clone())
    }

    /// The machine it runs on.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.mm.machine()
    }

    /// Runs an ioctl of this process's: with the proof that no hook is running and no mmap lock is held. Inside, user
    /// memory can be touched, as `copy_to_user` does, but not while a mapping is locked.
    ///
    /// ```
    /// use vmctx::{Errno, Handle, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, VmOperations};
    /// use vmctx_sim::{Machine, Map, Sim};
    /// use std::sync::{Arc, Mutex};
    ///
    /// struct Nothing;
    ///
    /// impl VmOperations for Nothing {
    ///     type Platform = Sim;
    ///     type Mapping = Mixed;
    /// }
    ///
    /// struct Device(Arc<Mutex<Option<Handle<Sim, Mixed>>>>);
    ///
    /// impl MmapFile for Device {
    ///     type Platform = Sim;
    ///
    ///     fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
    ///         let ctx = ctx.establish(Nothing)?;
    ///         *self.0.lock().unwrap() = Some(ctx.handle()?);
    ///         Ok(ctx.fill_later())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (machine, mapped) = (Machine::new(), Arc::default());
    /// let (file, process) = (machine.open(Device(Arc::clone(&mapped))), machine.process());
    /// let at = process.mmap(&file, Map::shared(4096))?;
    /// let page = machine.alloc_page()?;
    /// process.ioctl(|ctx| match &*mapped.lock().unwrap() {
    ///     Some(mapping) => mapping.lock(ctx)?.insert_page(PageOffset::ZERO, &page),
    ///     None => Err(Errno::ENXIO),
    /// })??;
    /// assert_eq!(process.thread().read_u8(at)?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`]; what the closure gives is passed on.
    pub fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Sim>) -> R) -> Result<R, SyscallError> {
        if let Some(hook) = hook::running() {
            return Err(SyscallError::InsideHook { hook });
        }
        if self.mm.read_lock().is_stopped() {
            return Err(SyscallError::Exited);
        }
        let caller = Caller::new(Some(&self.mm.space));
        // SAFETY: no hook is running, as was just seen, and mmap locks are held by hooks and system calls only.
        #[expect(unsafe_code, reason = "nothing is held: see above")]
        Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(caller, run) }))
    }

    /// Ends the process: everything is unmapped, and the states of its mappings are dropped if no other process shares
    /// them. Whatever it does afterwards is refused with an error of its own.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`].
    pub fn exit(&self) -> Result<(), SyscallError> {
        let mut lock = self.mm.write_lock()?;
        lock.stopped = true;
        let files = self.mm.unmap(&mut lock, &(0..TASK_SIZE));
        drop(lock);
        drop(files);
        Ok(())
    }

    /// Sends SIGKILL: a fault that waits is interrupted (its wait fails with EINTR), and every access from now on ends
    /// with [`Signal::Killed`](super::Signal::Killed). The mappings stay until the exit.
    pub fn kill(&self) {
        self.mm.killed.store(true, Ordering::Release);
        self.mm.sleepers.nudge_all();
    }

    /// How many pages of a range are mapped, by whatever; a huge entry maps 512. For tests; asks the page tables and faults nothing in.
    #[must_use]
    pub fn mapped_pages(&self, address: UserAddr, bytes: usize) -> PageCount {
        let mut count = 0;
        let range = address.get() - address.get() % PAGE_SIZE..address.get().saturating_add(bytes);
        self.mm.tables.for_each(range.clone(), |at, _, _| {
            let part = at.start.max(range.start)..at.end.min(range.end);
            count += part.len().div_ceil(PAGE_SIZE);
        });
        PageCount::new(count)
    }

    /// With which protection the page of an address is mapped, or `None` if it is not. For tests, as
    /// [`mapped_pages`](Self::mapped_pages).
    #[must_use]
    pub fn page_prot_at(&self, address: UserAddr) -> Option<PageProt> {
        let pte = self.mm.tables.pte(address.get()).or_else(|| self.mm.tables.huge(address.get()))?;
        let prot = PageProt::of_vma(pte.writable, Cache::WriteBack);
        Some(match pte.cache {
            Cache::WriteBack => prot,
            Cache::WriteCombine => prot.write_combine(),
            Cache::Noncached => prot.noncached(),
        })
    }

    /// Whether a huge entry maps an address. For tests, as [`mapped_pages`](Self::mapped_pages).
    #[must_use]
    pub fn is_huge_at(&self, address: UserAddr) -> bool {
        self.mm.tables.huge(address.get()).is_some()
    }

    /// How many mappings there are (`map_count`). A cut makes one more.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`].
    pub fn mapping_count(&self) -> Result<usize, SyscallError> {
        Ok(self.mm.write_lock()?.vmas.len())
    }
}
