//! A session: a userfaultfd, the threads that read it, and the mappings that they serve.

use std::{
    cell::{Cell, OnceCell},
    collections::HashMap,
    fmt, io,
    net::Shutdown,
    ops::Range,
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr::NonNull,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use vmctx::{Errno, MmapFile, UnlockedCtx, UserAddr, entry, platform::VmFlags};
use vmctx_hosted::vma;

use super::{
    Caller, File, Hook, KernelError, Map, Memory, OpenError, Prot, SessionError, Statistics, SyscallError, Trap, Uffd,
    WaitQueue,
    addresses::Addresses,
    agent::{Agent, Guests},
    error::errno,
    hook, link,
    memory::ZERO_PFN,
    own,
    place::Place,
    platform::NewVma,
    probe,
    readers::{Channel, MAX_THREADS, Turn},
    stats::Counters,
    sys::{PAGE_SIZE, ProtFlags, RawErrno, page_of},
    table::Table,
    userfault::{Purpose, Userfault},
    vma::{Vma, kernel_prot},
    wait::Sleepers,
};

pub(super) type Space = vma::Space<Uffd>;
type WriteLock = vma::WriteLock<Uffd>;

/// The mmap lock, held for read, and a VMA, which stays as it is until the lock is [released](Self::release). Its table
/// stays for longer.
///
/// # Invariants
/// The VMA is one of those that the lock protects, and the table is the VMA's. `kept` has the table where the lock is not
/// held any more.
pub(super) struct Held<'a> {
    lock: Cell<Option<RwLockReadGuard<'a, Space>>>,
    vma: NonNull<Vma>,
    table: NonNull<Table>,
    kept: OnceCell<Arc<Table>>,
    is_stopped: bool,
}

impl Held<'_> {
    /// The VMA, unless the lock was released.
    #[inline]
    pub(super) fn vma(&self) -> Option<&Vma> {
        // SAFETY: the invariant: with the lock it is not changed, moved or dropped. Whoever releases the lock promises
        // that nobody has this any more.
        if self.is_released() { None } else { Some(unsafe { self.vma.as_ref() }) }
    }

    #[inline]
    pub(super) fn table(&self) -> &Table {
        // SAFETY: the invariant: the VMA has it, or `kept`.
        unsafe { self.table.as_ref() }
    }

    /// Whether the session was stopped before the lock was taken.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    #[inline]
    pub(super) fn is_released(&self) -> bool {
        self.kept.get().is_some()
    }

    /// If a page was not where the mapping had been laid out for it, the next mapping of the file is laid out by the page
    /// at this address.
    #[inline]
    pub(super) fn learn(&self, address: usize) {
        if self.table().lay_elsewhere() {
            if let (Some(vma), Some(pte)) = (self.vma(), self.table().pte(address)) {
                if pte.pfn != ZERO_PFN {
                    vma.file().learn(vma.pgoff_at(address), pte.pfn);
                }
            }
        }
    }

    /// Gives up the lock.
    ///
    /// # Safety
    /// Nobody has a reference from [`vma`](Self::vma) any more.
    pub(super) unsafe fn release(&self) {
        if let Some(vma) = self.vma() {
            let _ = self.kept.set(Arc::clone(vma.table()));
        }
        drop(self.lock.take());
    }
}

/// What the threads share.
pub(super) struct Inner {
    direct: Channel,
    /// For mappings whose drivers are told of stores. There from when there is the first of them.
    moving: OnceLock<Channel>,
    in_thread: bool,
    memory: Memory,
    space: Arc<RwLock<Space>>,
    pub(super) counters: Arc<Counters>,
    thread_counters: Mutex<Vec<Arc<Counters>>>,
    stopping: AtomicBool,
    errors: Mutex<Vec<SessionError>>,
    sleepers: Sleepers,
    /// How often each address was told to repeat its access, and nothing was inserted.
    refaults: Mutex<HashMap<usize, usize>>,
    /// Whether there is any.
    has_refaults: AtomicBool,
    refault_limit: usize,
    addresses: Addresses,
    /// If they are another process's.
    guest: Option<Attended>,
}

/// The process whose addresses are served.
struct Attended {
    agent: Arc<Agent>,
    /// Where it says something by itself.
    asks: UnixStream,
    /// The thread that hears it, and hears of its end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Inner {
    /// The mmap lock, held for read, with what is mapped at an address.
    #[inline(always)]
    pub(super) fn hold(&self, address: usize) -> Option<Held<'_>> {
        let lock = self.space.read();
        let vma = lock.vmas().find(address)?;
        let (vma, table, is_stopped) = (NonNull::from(vma), NonNull::from(&**vma.table()), lock.is_stopped());
        Some(Held { lock: Cell::new(Some(lock)), vma, table, kept: OnceCell::new(), is_stopped })
    }

    /// Whether an address is this session's, or was just now.
    pub(super) fn has(&self, address: usize) -> bool {
        self.addresses.has(address)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn report(&self, error: SessionError) {
        let mut errors = self.errors.lock();
        // Something that goes wrong again and again is told often enough.
        if errors.len() < 1000 {
            errors.push(error);
        }
    }

    /// A fault was answered, and nothing was inserted. Gives back how often, if that is too often.
    pub(super) fn note_refault(&self, address: usize) -> Option<usize> {
        self.counters.count(|of| &of.refaults);
        let mut refaults = self.refaults.lock();
        let times = refaults.entry(page_of(address).start).or_insert(0);
        *times += 1;
        self.has_refaults.store(true, Ordering::Relaxed);
        let times = *times;
        if times < self.refault_limit {
            return None;
        }
        refaults.remove(&(page_of(address).start));
        Some(times)
    }

    /// Something was inserted.
    pub(super) fn forget_refaults(&self, address: usize) {
        if !self.has_refaults.load(Ordering::Relaxed) {
            return;
        }
        let mut refaults = self.refaults.lock();
        refaults.remove(&(page_of(address).start));
        self.has_refaults.store(!refaults.is_empty(), Ordering::Relaxed);
    }

    /// Waits inside a hook. Another thread serves faults meanwhile, among them perhaps the one that is waited for.
    pub(super) fn wait(
        self: &Arc<Self>,
        at: &Table,
        turn: &Turn<'_>,
        queue: &WaitQueue,
        wakes: u64,
    ) -> Result<(), Errno> {
        let killed = || self.is_stopping() || self.addresses.place().is_gone();
        let wait = || self.sleepers.wait(queue, wakes, killed);
        match self.moving.get().filter(|moving| at.is_of(moving.faults())) {
            Some(moving) => moving.wait(self, |inner| inner.moving.get(), turn, wait),
            None => self.direct.wait(self, |inner| Some(&inner.direct), turn, wait),
        }
    }

    fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.moving.get().into_iter().chain([&self.direct])
    }

    /// [`Session::retry`]
    fn retry(&self, address: usize) {
        // Waits for no system call that waits for its turn: whoever is ahead of that may wait for this thread.
        let space = self.space.read_recursive();
        // Nobody would serve it any more.
        if let Some(vma) = space.vmas.find(address).filter(|_| !space.stopped) {
            vma.table().forget_failure(address);
        }
    }

    /// Hears what the guest says, until it has gone or the session is stopped.
    fn attend(&self) {
        let Some(Attended { agent, asks, .. }) = &self.guest else { return };
        while let Some(address) = agent.hear(asks) {
            self.retry(address);
            if link::send(asks, &[0]).is_err() {
                break;
            }
        }
        if self.is_stopping() {
            return;
        }
        agent.hang_up();
        self.report(SessionError::GuestGone);
        // Nobody faults any more, and hooks that wait have nobody to wait for.
        self.sleepers.nudge_all();
        self.channels().for_each(|channel| {
            channel.faults().ring();
        });
    }

    /// Starts the thread that does.
    fn start_attending(self: &Arc<Self>) -> io::Result<()> {
        let Some(guest) = &self.guest else { return Ok(()) };
        let inner = Arc::clone(self);
        let thread = thread::Builder::new().name("vmctx-guest".to_owned()).spawn(move || inner.attend())?;
        *guest.thread.lock() = Some(thread);
        Ok(())
    }

    /// The channel of mappings whose drivers are told of stores. With the mmap lock held for write.
    fn moving(self: &Arc<Self>) -> Result<&Channel, OpenError> {
        if self.moving.get().is_none() {
            let purpose = Purpose { moves: true, in_thread: self.in_thread };
            let _ = self.moving.set(Channel::queued(Userfault::open(purpose)?));
        }
        let Some(channel) = self.moving.get() else { return Err(OpenError::Refused(RawErrno::IO.into())) };
        let serving = if self.in_thread { 0 } else { 1 };
        channel.start(self, |inner| inner.moving.get(), serving)?;
        Ok(channel)
    }

    /// Counters for a thread that serves.
    pub(super) fn counters_of_a_thread(&self) -> Arc<Counters> {
        let counters = Arc::new(Counters::of_one_thread());
        self.thread_counters.lock().push(Arc::clone(&counters));
        counters
    }

    /// What a thread has counted, which is at its end.
    pub(super) fn take_over(&self, counters: &Arc<Counters>) {
        let mut all = self.thread_counters.lock();
        if let Some(index) = all.iter().position(|other| Arc::ptr_eq(other, counters)) {
            all.swap_remove(index);
            self.counters.take_over(counters);
        }
    }

    /// Faults cannot be read any more.
    pub(super) fn cannot_read(&self, faults: &Userfault, errno: RawErrno) {
        self.report(SessionError::Unreadable(KernelError::from(errno)));
        if let Some(guest) = &self.guest {
            // It has descriptors of its own, which would keep whoever faults waiting. It buries everything.
            guest.agent.hang_up();
        }
        for vma in self.space.read_recursive().vmas.iter() {
            vma.table().fail_all();
        }
        // Who waits for something to be read does so no longer.
        faults.close(self.memory.fd());
    }

    /// For a system call: not from inside a hook, which may hold the lock.
    fn write_lock(&self) -> Result<WriteLock, SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        Ok(self.space.write_arc())
    }

    /// Takes away what is mapped in a range whose ends were split at. Gives back the files, to be dropped after the lock.
    fn unmap(&self, space: &mut Space, range: &Range<usize>) -> Vec<File> {
        let mut vmas = space.vmas.take(range);
        for vma in &vmas {
            vma.unlink();
            if vma.table().bury(&vma.range()).is_err() {
                // No memory to cut the kernel's mapping: what is mapped goes, and what is touched fails.
                vma.table().zap(&vma.range());
                vma.table().fail_all();
            }
        }
        let files = vmas.iter().map(|vma| vma.file().clone()).collect();
        vmas.iter_mut().for_each(Vma::close);
        let tables: Vec<Range<usize>> = vmas.iter().map(|vma| vma.table().range()).collect();
        drop(vmas);
        for table in tables {
            // All of it has gone, and not only this part.
            if !space.vmas.iter().any(|vma| vma.table().range() == table) {
                self.addresses.retire(table);
            }
        }
        files
    }
}

/// A session: serves the real page faults of real memory in this process, with threads of its own.
///
/// Its calls are Linux's, with Linux's error numbers; the memory that [`mmap`](Self::mmap) gives is ordinary memory of
/// this process, for any code in it, until [`munmap`](Self::munmap) or until the session is dropped. With
/// [`open_for`](Self::open_for) it is another process's, and so are the addresses.
///
/// It fails closed. [`stop`](Self::stop), which dropping does first, makes everything a SIGBUS that is not mapped by
/// then, for whoever waits too; nobody is handed zeros for want of a server.
pub struct Session {
    inner: Arc<Inner>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("stopped", &self.inner.is_stopping()).finish_non_exhaustive()
    }
}

/// How a session is set up. [`Session::open`] is all defaults.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    readers: usize,
    refaults: usize,
    in_thread: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 1, refaults: 100_000, in_thread: false }
    }
}

impl Options {
    /// How many threads read faults from the start: 1, if nothing is said. A thread that waits inside a hook is replaced
    /// while it does; more threads from the start help where many others fault at once and drivers take long, and cost
    /// a wake-up of each for every fault.
    #[must_use]
    pub const fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// How often a handler may repeat one access without inserting anything: 100,000 times, if nothing is said, which is
    /// about a second. Then it is a [`SessionError::RefaultsForever`], and a SIGBUS.
    #[must_use]
    pub const fn refaults(self, refaults: usize) -> Self {
        Self { refaults, ..self }
    }

    /// Faults are served by the thread that has them, in a handler of SIGBUS: no other thread is woken, which makes a
    /// fault cheaper. The driver's hooks run on that thread's stack, in the middle of whatever touched the memory: what
    /// touches it must hold no lock that a hook takes, an allocator's included. A system call that meets an empty page
    /// fails with EFAULT.
    ///
    /// The handler is installed by the first session of a process, and passes on what is not for it. Whoever installs
    /// another one after that has to do the same.
    #[must_use]
    pub const fn in_thread(self) -> Self {
        Self { in_thread: true, ..self }
    }

    /// Opens a session with these.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(self, memory: &Memory) -> Result<Session, OpenError> {
        let refused = |errno| OpenError::Refused(KernelError::from(errno));
        let purpose = Purpose { moves: false, in_thread: self.in_thread };
        let faults = Userfault::open(purpose)?;
        probe::catch().map_err(refused)?;
        self.start(memory, Channel::direct(faults), OnceLock::new(), None)
    }

    /// Opens a session with these for the process at the other end of a Unix socket, which calls [`Guest::join`] with
    /// that end: its drivers are here, its users there. Waits until that process does.
    ///
    /// # Errors
    /// As [`Session::open_for`].
    ///
    /// [`Guest::join`]: super::Guest::join
    pub fn open_for(self, memory: &Memory, guest: UnixStream) -> Result<Session, OpenError> {
        if self.in_thread {
            return Err(OpenError::InThread);
        }
        let Guests { agent, direct, moving, asks } = Agent::meet(guest, memory)?;
        let guest = Attended { agent: Arc::new(agent), asks, thread: Mutex::default() };
        let moving = OnceLock::from(Channel::queued(moving));
        let session = self.start(memory, Channel::direct(direct), moving, Some(guest))?;
        session.inner.start_attending()?;
        Ok(session)
    }

    fn start(
        self,
        memory: &Memory,
        direct: Channel,
        moving: OnceLock<Channel>,
        guest: Option<Attended>,
    ) -> Result<Session, OpenError> {
        let place = guest.as_ref().map_or(Place::Here, |guest| Place::There(Arc::clone(&guest.agent)));
        let inner = Arc::new(Inner {
            direct,
            moving,
            in_thread: self.in_thread,
            memory: memory.clone(),
            space: Arc::default(),
            counters: Arc::default(),
            thread_counters: Mutex::default(),
            stopping: AtomicBool::new(false),
            errors: Mutex::default(),
            sleepers: Sleepers::default(),
            refaults: Mutex::default(),
            has_refaults: AtomicBool::new(false),
            refault_limit: self.refaults.max(1),
            addresses: Addresses::new(place),
            guest,
        });
        let session = Session { inner };
        if self.in_thread {
            own::add(&session.inner);
        }
        let readers = if self.in_thread { 0 } else { self.readers.clamp(1, MAX_THREADS) };
        session.inner.direct.start(&session.inner, |inner| Some(&inner.direct), readers)?;
        Ok(session)
    }
}

impl Session {
    /// Opens a session for drivers whose pages come from this memory.
    ///
    /// # Errors
    /// What is missing here, and what to do about it.
    pub fn open(memory: &Memory) -> Result<Self, OpenError> {
        Options::default().open(memory)
    }

    /// Opens a session that serves the faults of another process, from here: see
    /// [the module's page](super#another-process).
    ///
    /// # Errors
    /// As [`open`](Self::open); and what is wrong with the other side.
    pub fn open_for(memory: &Memory, guest: UnixStream) -> Result<Self, OpenError> {
        Options::default().open_for(memory, guest)
    }

    /// The memory of its drivers.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    /// Whether only accesses from user mode are served: a system call that meets an empty page fails with EFAULT. So it
    /// is for whoever may open neither `/dev/userfaultfd` nor a userfaultfd for all faults, and where the thread that has
    /// a fault [serves](Options::in_thread) it.
    #[must_use]
    pub fn is_user_mode_only(&self) -> bool {
        self.inner.in_thread || self.inner.direct.faults().is_user_mode_only()
    }

    /// Opens a device.
    ///
    /// Its mappings are laid out for an object whose pages were allocated one after the other, beginning with the first
    /// that was allocated since the last device was opened. If that is wrong, the first fault corrects it for the next
    /// mapping; whatever lies elsewhere costs a mapping of the kernel's for each run of pages.
    pub fn file(&self, driver: impl MmapFile<Platform = Uffd>) -> File {
        File::new(driver, self.inner.memory.take_recent())
    }

    /// Maps a part of a file, and calls its driver's mmap hook for that. Gives back where it is.
    ///
    /// # Errors
    /// EINVAL for no bytes, or an address that is not a page's; EOVERFLOW if the object's last byte could not be
    /// counted; EEXIST where something is mapped already; ENOMEM without addresses or memory; and what the mmap hook
    /// fails with. Afterwards nothing is left of a mapping that failed.
    pub fn mmap(&self, file: &File, map: Map) -> Result<UserAddr, SyscallError> {
        let inner = &self.inner;
        let mut lock = inner.write_lock()?;
        if lock.stopped {
            return Err(SyscallError::Stopped);
        }
        let len = map.len()?;
        inner.addresses.give_back();
        let start = inner.addresses.reserve(len, map.at.map(UserAddr::get)).map_err(errno)?;
        let range = start..start + len;
        let undo = Undo { inner, range: range.clone() };
        let (faults, memory) = (Arc::clone(inner.direct.faults()), inner.memory.clone());
        let counters = Arc::clone(&inner.counters);
        let place = inner.addresses.place().clone();
        let table = Arc::new(Table::new(place, faults, memory, counters, range.clone(), map.is_shared()));
        let vma = Vma::new(range.clone(), map.pgoff.index(), map.flags(), file.clone(), Arc::clone(&table));
        let mut new = NewVma::new(vma, Arc::clone(&inner.space));
        // SAFETY: the VMA is being made for this file; `lock` is the mmap lock, held for write, until the end of this
        // function.
        hook::enter(Hook::Mmap, || unsafe { entry::mmap(file.driver(), &mut new) })?;
        let mut vma = new.into_vma();
        let moving = if super::vma::tells_stores(&vma) { Some(inner.moving()) } else { None };
        let begun = moving.transpose().map_err(|error| error.errno()).and_then(|moving| {
            let (guess, moving) = (file.guess(map.pgoff.index()), moving.map(Channel::faults));
            table.begin(guess, vma.flags(), super::vma::protects(&vma), moving).map_err(errno)
        });
        if let Err(errno) = begun {
            table.zap(&range);
            vma.close();
            return Err(errno.into());
        }
        undo.disarm();
        lock.vmas.insert(vma);
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
        let mut lock = self.inner.write_lock()?;
        let range = page_range(address, bytes).ok_or(Errno::EINVAL)?;
        if range.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        lock.vmas.split(range.start)?;
        lock.vmas.split(range.end)?;
        let files = self.inner.unmap(&mut lock, &range);
        drop(lock);
        drop(files);
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
        let mut lock = self.inner.write_lock()?;
        if lock.stopped {
            return Err(SyscallError::Stopped);
        }
        let range = page_range(address, bytes).ok_or(Errno::EINVAL)?;
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
            vma.table().protect(&(at..end), kernel_prot(prot.flags()))?;
            vma.change_flags(prot.flags(), ACCESS.without(prot.flags()));
            at = end;
        }
        Ok(())
    }

    /// Runs an ioctl: with the proof that no hook is running and no mmap lock is held. Inside, memory of the session can
    /// be touched, but not while a mapping is locked.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Stopped`]; what the closure gives is passed on.
    pub fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Uffd>) -> R) -> Result<R, SyscallError> {
        if let Some(hook) = hook::running() {
            return Err(SyscallError::InsideHook { hook });
        }
        if self.inner.is_stopping() {
            return Err(SyscallError::Stopped);
        }
        let space = Some(&self.inner.space);
        // SAFETY: no hook is running, as was just seen, and mmap locks are held by hooks and system calls only.
        Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(Caller::new(space), run) }))
    }

    /// Loads bytes, and survives it if that cannot be done.
    ///
    /// The access is a real one, and so is the signal that it may end with. A SIGBUS that this reports is forgotten: the
    /// next access asks the driver again. One that other code meets stays, until something is inserted or taken away
    /// there, or [`retry`](Self::retry).
    ///
    /// # Errors
    /// The signal. Outside this session's mappings it is a SIGSEGV, without an access.
    pub fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.accessed(self.inner.addresses.load(address, into))
    }

    /// Stores bytes. As [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.accessed(self.inner.addresses.store(address, from))
    }

    fn accessed(&self, result: Result<(), Trap>) -> Result<(), Trap> {
        if let Err(Trap::Sigbus(at)) = result {
            self.retry(at);
        }
        result
    }

    /// Forgets that an access to the page of this address could not be served: the next one asks the driver again.
    /// Nothing to forget is no error. For whoever handles SIGBUS without [`read`](Self::read).
    pub fn retry(&self, address: UserAddr) {
        if hook::in_the_way().is_none() {
            self.inner.retry(address.get());
        }
    }

    /// What went wrong since this was last asked, the first first. The accesses have had their signals.
    #[must_use]
    pub fn take_errors(&self) -> Vec<SessionError> {
        std::mem::take(&mut *self.inner.errors.lock())
    }

    /// What has happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let inner = &self.inner;
        // Held while all are looked at: what a thread has counted is in one of them.
        Counters::sum(inner.thread_counters.lock().iter().chain([&inner.counters]).map(|counters| &**counters))
    }

    /// How many mappings there are. A cut makes one more.
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        if hook::in_the_way().is_some() { 0 } else { self.inner.space.read().vmas.len() }
    }

    /// Stops serving. Hooks that wait are interrupted; then everything that is not mapped becomes a SIGBUS, for whoever
    /// waits too, and the threads end. What is mapped stays, until it is revoked; but where drivers are told of stores,
    /// nothing can be stored any more.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`].
    pub fn stop(&self) -> Result<(), SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        let inner = &self.inner;
        inner.stopping.store(true, Ordering::Release);
        inner.sleepers.nudge_all();
        let mut lock = inner.space.write_arc();
        if !lock.stopped {
            lock.stopped = true;
            for vma in lock.vmas.iter() {
                vma.table().fail_all();
                if super::vma::protects(vma) && vma.flags().contains(VmFlags::SHARED) {
                    let _ = vma.table().protect(&vma.range(), kernel_prot(vma.flags()) - ProtFlags::WRITE);
                }
            }
        }
        drop(lock);
        let mut threads: Vec<_> = inner.channels().flat_map(Channel::stop).collect();
        if let Some(guest) = &inner.guest {
            let _ = guest.asks.shutdown(Shutdown::Both);
            threads.extend(guest.thread.lock().take());
        }
        for thread in threads {
            // It catches what drivers do; what is left would be a mistake of this crate's.
            if let Err(panic) = thread.join() {
                if !thread::panicking() {
                    resume_unwind(panic);
                }
            }
        }
        // Faults of what is mapped, which the kernel may forget, are the kernel's from now on.
        inner.channels().for_each(|channel| channel.faults().close(inner.memory.fd()));
        inner.addresses.place().close_faults();
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if hook::in_the_way().is_some() || self.stop().is_err() {
            // Dropped by one of its own hooks: nobody is left to wait for it. Nothing of it is served, nor given back.
            self.inner.stopping.store(true, Ordering::Release);
            return;
        }
        let mut lock = self.inner.space.write_arc();
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let files = self.inner.unmap(&mut lock, &(0..usize::MAX));
            drop(lock);
            drop(files);
        }));
        // Whoever is at them has the session borrowed.
        self.inner.addresses.give_back();
        if let Some(guest) = &self.inner.guest {
            guest.agent.hang_up();
        }
        if let Err(panic) = dropped {
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}

fn page_range(address: UserAddr, bytes: usize) -> Option<Range<usize>> {
    let start = address.get();
    let len = bytes.checked_next_multiple_of(PAGE_SIZE)?;
    (start % PAGE_SIZE == 0).then_some(start..start.checked_add(len)?)
}

/// Leaves nothing of a mapping whose hook failed, or panicked.
struct Undo<'a> {
    inner: &'a Inner,
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
        // Nobody was told of it, but somebody may have guessed.
        // SAFETY: reserved by this session.
        let _ = unsafe { self.inner.addresses.place().bury(&self.range) };
        self.inner.addresses.retire(self.range.clone());
        self.inner.addresses.give_back();
    }
}
