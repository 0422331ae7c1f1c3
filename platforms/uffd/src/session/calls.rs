//! A session, and its system calls.

use std::{fmt, mem, ops::Range, sync::Arc};

use vmctx::{Errno, MmapFile, UnlockedCtx, UserAddr, VmOperations, entry, kind::FilledLater, platform::VmFlags};
use vmctx_hosted::{Hook, Map, Prot, Ref, hook, panics::ClosedFiles};

use crate::{
    error::{SessionError, SyscallError, errno},
    kernel::{
        sys::{HUGE_SIZE, PAGE_SHIFT, PAGE_SIZE, prot_of},
        undisturbed::Undisturbed,
    },
    memory::Memory,
    mm::{
        address_space::CallLock,
        file::{self, File},
        new_vma::NewVma,
        state_file::StateFile,
        vma::{Caller, Vma, protects, tells_stores},
    },
    serve::{readers::Readers, server, shared::Shared},
    statistics::{Counters, Statistics},
    table::page_table::Table,
    uffd::Uffd,
};

/// A session: serves the real page faults of real memory in this process, with threads of its own.
///
/// Its calls are Linux's, with Linux's error numbers; the memory that [`mmap`](Self::mmap) gives is ordinary memory of
/// this process, for any code in it, until [`munmap`](Self::munmap) or until the session is dropped. With
/// [`open_for`](Self::open_for) it is another process's, and so are the addresses.
///
/// A child of fork has nothing of it: its calls fail there with [`SyscallError::Forked`], and dropping it does nothing.
///
/// It fails closed. [`stop`](Self::stop), which dropping does first, makes everything a SIGBUS that is not mapped by
/// then, for whoever waits too; nobody is handed zeros for want of a server.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("stopped", &self.shared.is_stopping()).finish_non_exhaustive()
    }
}

impl Session {
    /// The memory of its drivers.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    /// Whether only accesses from user mode are served: a system call that meets an empty page fails with EFAULT. So it
    /// is for whoever may open neither `/dev/userfaultfd` nor a userfaultfd for all faults, and where the thread that
    /// has a fault [serves](crate::Options::in_thread) it.
    #[must_use]
    pub fn is_user_mode_only(&self) -> bool {
        self.shared.in_thread || self.shared.direct.uffd().is_user_mode_only()
    }

    /// Opens a device.
    ///
    /// Its mappings are laid out for an object whose pages were allocated one after the other, beginning with the first
    /// that was allocated since the last device was opened. If that is wrong, the first fault corrects it for the next
    /// mapping; whatever lies elsewhere costs a mapping of the kernel's for each run of pages.
    pub fn file(&self, driver: impl MmapFile<Platform = Uffd>) -> File {
        File::new(driver, self.shared.memory.take_first_allocated())
    }

    /// Opens a device that is nothing but this state, which all of its mappings have: what the state's
    /// [`fault`](VmOperations::fault) hook inserts is all there is. Its mappings are those of the object that the state
    /// [names](vmctx::Hooks::object), or of one that is the device's own. If that object is a
    /// [part](vmctx::SharedObject::part), what is mapped has to lie in it, and its offset counts from the start of the
    /// whole.
    ///
    /// A shared mapping can be stored to if it is asked for so; otherwise no [`mprotect`](Self::mprotect) has it written
    /// later. Whoever is to have more of a say implements [`MmapFile`].
    #[must_use]
    pub fn file_of<V: VmOperations<Platform = Uffd>>(&self, state: &Ref<V>) -> File
    where
        V::Kind: FilledLater,
    {
        self.file(StateFile(state.clone()))
    }

    /// Maps what a state shows: [`mmap`](Self::mmap) of a [device](Self::file_of) that is nothing but this state.
    ///
    /// # Errors
    /// As there.
    pub fn map<V: VmOperations<Platform = Uffd>>(&self, state: &Ref<V>, map: Map) -> Result<UserAddr, SyscallError>
    where
        V::Kind: FilledLater,
    {
        self.mmap(&self.file_of(state), map)
    }

    /// Maps a part of a file, and calls its driver's mmap hook for that. Gives back where it is.
    ///
    /// # Errors
    /// EINVAL for no bytes, or an address that is not a page's; EOVERFLOW if the object's last byte could not be
    /// counted; EPERM below address 0x10000; EEXIST where something is mapped already; ENOMEM without addresses or memory; and what the mmap hook
    /// or the open hook fails with. Afterwards nothing is left of a mapping that failed.
    pub fn mmap(&self, file: &File, map: Map) -> Result<UserAddr, SyscallError> {
        let shared = &self.shared;
        let mut lock = self.write_lock()?;
        if lock.stopped {
            return Err(SyscallError::Stopped);
        }
        let (first, len) = file::checked(&map)?;
        shared.space.addresses.give_back();
        let step = self.step();
        let at = map.address().map(UserAddr::get);
        let whole = |bytes: usize| bytes % step == 0;
        if !(whole(len) && whole(first << PAGE_SHIFT) && at.is_none_or(whole))
            || (step != PAGE_SIZE && !map.is_shared())
        {
            return Err(Errno::EINVAL.into());
        }
        let addresses = &shared.space.addresses;
        let start = match at {
            None if step != PAGE_SIZE => addresses.reserve_aligned(len, step),
            at => addresses.reserve(len, at),
        };
        let start = start.map_err(errno)?;
        let range = start..start + len;
        let (direct, memory) = (Arc::clone(shared.direct.uffd()), shared.memory.clone());
        let counters = Arc::clone(&shared.counters);
        let owner = shared.space.owner().clone();
        let table = Table::new(owner, direct, memory, counters, range.clone(), map.is_shared(), shared.tracks);
        let table = Arc::new(table.map_err(|raw| {
            shared.space.addresses.retire(range.clone());
            shared.space.addresses.give_back();
            errno(raw)
        })?);
        let vma = Vma::new(range.clone(), first, map.flags(), file.clone(), Arc::clone(&table));
        let mut new = NewVma::new(vma, Arc::clone(&shared.space.mmap_lock));
        // Declared after the VMA, and so dropped before it: what was inserted goes before the state does.
        let undo = Undo { shared, table: &table, range: range.clone() };
        // SAFETY: the VMA is being made for this file; `lock` is the mmap lock, held for write, until the end of this
        // function.
        hook::enter(Hook::Mmap, || unsafe { entry::mmap(file.driver(), &mut new) })?;
        let vma = &new.vma;
        if step != PAGE_SIZE && (protects(vma) || table.tracks) {
            return Err(Errno::EINVAL.into());
        }
        // Where the kernel takes write protections away by itself, nobody would be told.
        let told = tells_stores(vma) || (protects(vma) && shared.direct.uffd().is_wp_async());
        let moving = if told { Some(server::start_moving(shared)) } else { None };
        let mapped = moving.transpose().map_err(|error| error.errno()).and_then(|moving| {
            let (guess, moving) = (file.guess(first), moving.map(Readers::uffd));
            table.map_all(guess, vma.flags(), protects(vma), moving).map_err(errno)
        });
        mapped?;
        undo.disarm();
        lock.vmas.insert(new.vma);
        Ok(UserAddr::new(range.start))
    }

    /// Takes mappings away, whole or in part. What is not mapped is no error.
    ///
    /// When it returns, an access there is a SIGSEGV, for whoever waited too, and the states of mappings of which
    /// nothing is left have been dropped. The addresses may be given to somebody else from then on.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, and for no bytes; what `may_split` refuses a cut with. Nothing has
    /// been unmapped then.
    pub fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), SyscallError> {
        // Declared before the lock, and so dropped after it.
        let mut files = ClosedFiles::default();
        let mut lock = self.write_lock()?;
        let range = self.page_range(address, bytes)?;
        if range.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        lock.vmas.split(range.start)?;
        lock.vmas.split(range.end)?;
        self.shared.space.unmap(&mut lock, &range, &mut files);
        Ok(())
    }

    /// Changes what the user may do with a range, which is mapped throughout.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's; ENOMEM for a hole in the range; EACCES for a right that the mapping
    /// may never have; what `may_split` refuses a cut with. Mappings before the one that fails keep the new protection.
    pub fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), SyscallError> {
        const ACCESS: VmFlags = VmFlags::from_bits(0x7);
        const MAY_SHIFT: u32 = 4;
        let mut lock = self.write_lock()?;
        if lock.stopped {
            return Err(SyscallError::Stopped);
        }
        let range = self.page_range(address, bytes)?;
        let mut at = range.start;
        while at < range.end {
            let vma = lock.vmas.find(at).ok_or(Errno::ENOMEM)?;
            let end = range.end.min(vma.range().end);
            let may = VmFlags::from_bits(vma.flags().bits() >> MAY_SHIFT);
            if prot.flags().without(may) != VmFlags::NONE {
                return Err(Errno::EACCES.into());
            }
            lock.vmas.split(at)?;
            lock.vmas.split(end)?;
            let vma = lock.vmas.find_mut(at).ok_or(Errno::ENOMEM)?;
            vma.table().protect(&(at..end), prot_of(vma.flags()), prot_of(prot.flags()))?;
            vma.change_flags(prot.flags(), ACCESS.without(prot.flags()));
            at = end;
        }
        Ok(())
    }

    /// Runs an ioctl: with the proof that no hook is running and no mmap lock is held. Inside, memory of the session
    /// can be touched, but not while a mapping is locked.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Stopped`]; what the closure gives is passed on.
    pub fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Uffd>) -> R) -> Result<R, SyscallError> {
        if let Some(hook) = hook::running() {
            return Err(SyscallError::InsideHook { hook });
        }
        self.check_home()?;
        if self.shared.is_stopping() {
            return Err(SyscallError::Stopped);
        }
        let space = Some(&self.shared.space.mmap_lock);
        // SAFETY: no hook is running on this thread, and only hooks and system calls hold mmap locks.
        Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(Caller::new(space), run) }))
    }

    /// What went wrong since this was last asked, the first first. The accesses have had their signals.
    #[must_use]
    pub fn take_errors(&self) -> Vec<SessionError> {
        let _undisturbed = Undisturbed::begin();
        if self.check_home().is_err() { Vec::new() } else { mem::take(&mut *self.shared.errors.lock()) }
    }

    /// What has happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        if self.check_home().is_err() {
            return Statistics::default();
        }
        let shared = &self.shared;
        let _undisturbed = Undisturbed::begin();
        // The lock is held until all are added: a thread's counts are in exactly one of them meanwhile.
        Counters::sum(shared.thread_counters.lock().iter().chain([&shared.counters]).map(|counters| &**counters))
    }

    /// How many mappings there are. A cut makes one more.
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        let is_asked_in_vain = hook::in_the_way().is_some() || self.check_home().is_err();
        let _undisturbed = Undisturbed::begin();
        if is_asked_in_vain { 0 } else { self.shared.space.mmap_lock.read().vmas.len() }
    }

    /// Whether this process has opened the session. A child of fork that has inherited it does nothing with it: descriptors
    /// and addresses are its parent's, and a lock may be held by a thread that is not there.
    pub(crate) fn check_home(&self) -> Result<(), SyscallError> {
        if self.shared.memory.is_here() { Ok(()) } else { Err(SyscallError::Forked) }
    }

    /// How many bytes belong together in its mappings, of which nothing smaller is mapped, cut or protected.
    fn step(&self) -> usize {
        if self.shared.memory.is_huge() { HUGE_SIZE } else { PAGE_SIZE }
    }

    /// The pages of so many bytes from an address on: `do_munmap` and its likes.
    pub(super) fn page_range(&self, address: UserAddr, bytes: usize) -> Result<Range<usize>, Errno> {
        let (start, step) = (address.get(), self.step());
        let len = bytes.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::EINVAL)?;
        let end = start.checked_add(len).ok_or(Errno::EINVAL)?;
        if start % step == 0 && len % step == 0 { Ok(start..end) } else { Err(Errno::EINVAL) }
    }

    pub(super) fn write_lock(&self) -> Result<CallLock, SyscallError> {
        self.check_home()?;
        self.shared.space.write_lock()
    }
}

/// When it is dropped, takes back what was inserted into a mapping that could not be made, or whose hook panicked, and
/// its addresses.
struct Undo<'a> {
    shared: &'a Shared,
    table: &'a Arc<Table>,
    range: Range<usize>,
}

impl Undo<'_> {
    fn disarm(mut self) {
        self.range.end = self.range.start;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.range.is_empty() {
            return;
        }
        // Nobody was told of the addresses, but somebody may have guessed them.
        self.shared.space.take_away(self.table, &self.range);
        self.shared.space.retire(&self.range);
        self.shared.space.addresses.give_back();
    }
}
