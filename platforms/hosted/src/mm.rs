//! One address space: its page tables, its VMAs, the mmap lock, and who waits in it.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use vmctx::Errno;

use crate::{
    error::SyscallError,
    hook,
    machine::Machine,
    mmap_lock::{MmapLock, ReadGuard, WriteLock},
    object::Unmapping,
    order::{self, Wanted},
    paged::{MachineOf, Paged, check_constants},
    paging::PageTable,
    panics::ClosedFiles,
    queue::{Sleepers, WaitQueue},
    vma::{Space, Vma},
};

/// One address space (`mm_struct`).
pub(crate) struct Mm<P: Paged> {
    table: Arc<P::Table>,
    space: Arc<MmapLock<P>>,
    killed: AtomicBool,
    sleepers: Sleepers,
}

impl<P: Paged> Mm<P> {
    /// An address space with nothing in it, and these page tables.
    pub(crate) fn new(table: P::Table) -> Self {
        const { check_constants::<P>() };
        Self {
            table: Arc::new(table),
            space: Arc::default(),
            killed: AtomicBool::new(false),
            sleepers: Sleepers::default(),
        }
    }

    pub(crate) fn machine(&self) -> &MachineOf<P> {
        self.table.machine()
    }

    pub(crate) fn table(&self) -> &Arc<P::Table> {
        &self.table
    }

    /// The mmap lock, and what it protects.
    pub(crate) fn space(&self) -> &Arc<MmapLock<P>> {
        &self.space
    }

    /// Takes the mmap lock for read.
    pub(crate) fn read_lock(&self) -> ReadGuard<'_, P> {
        self.follow_this_thread();
        self.space.read()
    }

    /// Whether the process has exited.
    pub(crate) fn is_stopped(&self) -> bool {
        self.read_lock().is_stopped()
    }

    /// For whoever makes the address space, and knows that nobody else has it.
    pub(crate) fn new_space(&self) -> WriteLock<P> {
        self.space.write()
    }

    /// For a system call: not from inside a hook, which may hold the lock, and not after the exit.
    #[track_caller]
    pub(crate) fn write_lock(&self) -> Result<WriteLock<P>, SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        self.follow_this_thread();
        order::wants(Wanted::UserMemory);
        let lock = self.space.write();
        if lock.stopped { Err(SyscallError::Exited) } else { Ok(lock) }
    }

    /// SIGKILL: whoever waits in a fault is interrupted.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.sleepers.nudge_all();
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// This thread is in this address space, so what it does wrong is reported on this machine, and it is held there.
    fn follow_this_thread(&self) {
        if let Some(reports) = self.machine().reports() {
            reports.follow_this_thread();
        }
        if let Some(traces) = self.machine().traces() {
            traces.follow_this_thread();
        }
        if let Some(holds) = self.machine().holds() {
            holds.follow_this_thread();
        }
    }

    /// Sleeps until the queue's count of wake-ups is no longer `wakes`; EINTR if the process is killed.
    #[track_caller]
    pub(crate) fn wait(&self, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        self.sleepers.wait(queue, wakes, || self.is_killed())
    }

    /// `do_vmi_munmap`: cuts at both ends of a range, then takes away what is between. Puts the files into `files`,
    /// which has to be dropped after the lock, also when a hook panics: a file's drop is a driver's code, and in no
    /// hook.
    pub(crate) fn unmap_range(
        &self,
        space: &mut Space<P>,
        range: &Range<usize>,
        files: &mut ClosedFiles<P::File>,
    ) -> Result<(), Errno> {
        let hole =
            space.vmas().find(range.start).is_some_and(|vma| vma.start() < range.start && vma.range().end > range.end);
        // Linux lets the count go over the limit for a moment, but not for a mapping that loses its middle.
        if hole && space.vmas().len() >= self.machine().max_mappings() {
            return Err(Errno::ENOMEM);
        }
        space.vmas.split(range.start)?;
        space.vmas.split(range.end)?;
        self.unmap(space, range, files);
        Ok(())
    }

    /// Takes away what is mapped in a range whose ends were split at: entries first, then the links, then tables,
    /// then the states. The files are as in [`unmap_range`](Self::unmap_range).
    pub(crate) fn unmap(&self, space: &mut Space<P>, range: &Range<usize>, files: &mut ClosedFiles<P::File>) {
        let mut vmas = space.vmas.take(range);
        for vma in &vmas {
            self.table.zap(&vma.range(), true);
            vma.unlink();
        }
        self.free_tables(space, range);
        files.extend(vmas.iter().map(|vma| vma.file().clone()));
        // All entries are gone by now, so that a driver's panic in here leaves none behind.
        Vma::close_all(&mut vmas);
    }

    /// Frees the page tables in a range that no VMA needs any more.
    pub(crate) fn free_tables(&self, space: &Space<P>, range: &Range<usize>) {
        self.table.free(range.clone(), |span| space.vmas.intersecting(&span).is_some());
    }

    /// Cuts the VMA that an address lies in, in two, if there may be one more.
    ///
    /// # Errors
    /// ENOMEM if not; what `may_split` refuses with.
    pub(crate) fn split(&self, space: &mut Space<P>, address: usize) -> Result<(), Errno> {
        let cuts = space.vmas.find(address).is_some_and(|vma| vma.start() != address);
        if cuts && space.vmas.len() >= self.machine().max_mappings() {
            return Err(Errno::ENOMEM);
        }
        space.vmas.split(address)
    }

    /// `exit_mmap`. The files are as in [`unmap_range`](Self::unmap_range).
    pub(crate) fn exit(&self, space: &mut Space<P>, files: &mut ClosedFiles<P::File>) {
        space.stopped = true;
        self.unmap(space, &(0..P::TASK_SIZE), files);
    }
}

impl<P: Paged> Drop for Mm<P> {
    fn drop(&mut self) {
        // Declared first, and so dropped last.
        let mut files = ClosedFiles::default();
        let mut space = self.space.write();
        self.exit(&mut space, &mut files);
    }
}
