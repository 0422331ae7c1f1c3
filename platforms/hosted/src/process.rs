//! Processes and their threads.

use std::{cell::Cell, fmt, marker::PhantomData, sync::Arc};

use vmctx::{
    Errno, PageCount, PageProt, Platform, UnlockedCtx, UserAddr, entry,
    platform::{AccessBuffer, Cache, VmFlags},
};

use crate::{
    access,
    error::{AccessError, SyscallError},
    established::Caller,
    hook::{self, Hook},
    mm::Mm,
    order::{self, Wanted},
    paged::{MachineOf, Paged},
    paging::{PageTable, for_each},
    panics::ClosedFiles,
    remote,
    serving::Fault,
    vma::Vma,
};

/// A length in whole pages (`PAGE_ALIGN`), or `None` if it cannot be counted.
pub(crate) fn page_align<P: Platform>(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(P::PAGE_SIZE)
}

/// Runs what happens to a device outside any process, its removal for example: as [`Process::ioctl`], without an
/// address space.
///
/// # Errors
/// [`SyscallError::InsideHook`]; what the closure gives is passed on.
pub fn unlocked<P: Paged + Platform<Caller = Caller<P>>, R>(
    run: impl FnOnce(&mut UnlockedCtx<'_, P>) -> R,
) -> Result<R, SyscallError> {
    in_no_hook(None, run)
}

fn in_no_hook<P: Paged + Platform<Caller = Caller<P>>, R>(
    mm: Option<&Mm<P>>,
    run: impl FnOnce(&mut UnlockedCtx<'_, P>) -> R,
) -> Result<R, SyscallError> {
    if let Some(hook) = hook::running() {
        return Err(SyscallError::InsideHook { hook });
    }
    if mm.is_some_and(Mm::is_stopped) {
        return Err(SyscallError::Exited);
    }
    // SAFETY: no hook is running, as was just seen. Whatever takes a mmap lock of a `Paged` platform is in this crate,
    // and calls drivers in hooks while it has it.
    #[expect(unsafe_code, reason = "nothing is held: see above")]
    Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(Caller::new(mm.map(Mm::space)), run) }))
}

/// A process: one address space. Clones are the same process.
///
/// Its system calls are Linux's, with Linux's error numbers. They take the mmap lock: `mmap` holds it for write while
/// the driver's mmap hook runs, and a fault holds it for read while the fault hook runs. So a call from inside a hook
/// is refused ([`SyscallError::InsideHook`]).
///
/// It exits when the last handle and the last [`Thread`] are dropped, or by [`exit`](Self::exit).
pub struct Process<P: Paged> {
    mm: Arc<Mm<P>>,
}

impl<P: Paged> Clone for Process<P> {
    fn clone(&self) -> Self {
        Self { mm: Arc::clone(&self.mm) }
    }
}

impl<P: Paged> fmt::Debug for Process<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("killed", &self.mm.is_killed()).finish_non_exhaustive()
    }
}

impl<P: Paged> Process<P> {
    /// A process with nothing mapped, and these page tables, which are empty.
    #[must_use]
    pub fn new(table: P::Table) -> Self {
        Self { mm: Arc::new(Mm::new(table)) }
    }

    pub(crate) fn mm(&self) -> &Arc<Mm<P>> {
        &self.mm
    }

    /// A user thread of this process.
    #[must_use]
    pub fn thread(&self) -> Thread<P> {
        Thread { process: self.clone(), not_shared: PhantomData }
    }

    /// The machine it runs on.
    #[must_use]
    pub fn machine(&self) -> &MachineOf<P> {
        self.mm.machine()
    }

    /// Ends the process: everything is unmapped, and the states of its mappings are dropped if no other process shares
    /// them. Whatever it does afterwards is refused with an error of its own.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`].
    #[track_caller]
    pub fn exit(&self) -> Result<(), SyscallError> {
        // Declared before the lock, and so dropped after it.
        let mut files = ClosedFiles::default();
        let mut lock = self.mm.write_lock()?;
        self.mm.exit(&mut lock, &mut files);
        Ok(())
    }

    /// Sends SIGKILL: a fault that waits is interrupted (its wait fails with EINTR), and every access from now on ends
    /// with [`Signal::Killed`](crate::Signal::Killed). The mappings stay until the exit.
    pub fn kill(&self) {
        self.mm.kill();
    }

    /// How many pages of a range are mapped; a large entry maps many. For tests: it looks at the page tables, and
    /// nothing is faulted in.
    #[must_use]
    pub fn mapped_pages(&self, address: UserAddr, bytes: usize) -> PageCount {
        let mut count = 0;
        let range = address.get() - address.get() % P::PAGE_SIZE..address.get().saturating_add(bytes);
        for_each(&**self.mm.table(), range.clone(), |at, _, _| {
            let part = at.start.max(range.start)..at.end.min(range.end);
            count += part.len().div_ceil(P::PAGE_SIZE);
        });
        PageCount::new(count)
    }

    /// With which protection the page of an address is mapped, or `None` if it is not. For tests, as
    /// [`mapped_pages`](Self::mapped_pages).
    #[must_use]
    pub fn page_prot_at(&self, address: UserAddr) -> Option<PageProt> {
        let pte = self.mm.table().pte(address.get()).or_else(|| self.mm.table().huge(address.get()))?;
        let prot = PageProt::of_vma(pte.writable, Cache::WriteBack);
        Some(match pte.cache {
            Cache::WriteBack => prot,
            Cache::WriteCombine => prot.write_combine(),
            Cache::Noncached => prot.noncached(),
        })
    }

    /// The flags of the mapping that an address lies in (`vm_flags`), or `None` where nothing is mapped. For tests: in
    /// Linux a user has them from `/proc/pid/smaps`.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`].
    #[track_caller]
    pub fn vm_flags_at(&self, address: UserAddr) -> Result<Option<VmFlags>, SyscallError> {
        Ok(self.mm().write_lock()?.vmas.find(address.get()).map(Vma::flags))
    }

    /// Whether a large entry maps an address. For tests, as [`mapped_pages`](Self::mapped_pages).
    #[must_use]
    pub fn is_huge_at(&self, address: UserAddr) -> bool {
        self.mm.table().huge(address.get()).is_some()
    }

    /// How many mappings there are (`map_count`). A cut makes one more.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`].
    #[track_caller]
    pub fn mapping_count(&self) -> Result<usize, SyscallError> {
        Ok(self.mm.write_lock()?.vmas.len())
    }
}

impl<P: Paged + Platform<Fault = Fault<P>>> Process<P> {
    /// Loads bytes as a debugger does (ptrace, `/proc/pid/mem`): through pages, and where there are none
    /// (`VM_IO`, `VM_PFNMAP`, a device's frame, a fault that fails) through the driver's
    /// [`access`](vmctx::Hooks::access) hook. Follows `__access_remote_vm`. `process_vm_readv` would stop at what is no
    /// page.
    ///
    /// # Errors
    /// EIO where nothing is mapped, or not even mprotect could let the user read, and where there is neither a page nor
    /// a hook that has copied. What lies before that was loaded.
    /// [`SyscallError::InsideHook`].
    #[track_caller]
    pub fn peek(&self, address: UserAddr, into: &mut [u8]) -> Result<(), SyscallError> {
        Self::outside_hooks()?;
        let len = into.len();
        whole(remote::copy(&self.mm, address.get(), AccessBuffer::Read(into)), len)
    }

    /// Stores bytes as a debugger does: it gets no further than the user does. As [`peek`](Self::peek); into a private
    /// mapping that the user may not write, a private copy is made (`FOLL_FORCE`).
    ///
    /// # Errors
    /// As there, and EIO where the user may not write to a shared mapping. What lies before that was stored.
    #[track_caller]
    pub fn poke(&self, address: UserAddr, from: &[u8]) -> Result<(), SyscallError> {
        Self::outside_hooks()?;
        whole(remote::copy(&self.mm, address.get(), AccessBuffer::Write(from)), from.len())
    }

    #[track_caller]
    fn outside_hooks() -> Result<(), SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        order::wants(Wanted::UserMemory);
        Ok(())
    }
}

/// A debugger's call is EIO if it ends early.
fn whole(done: usize, len: usize) -> Result<(), SyscallError> {
    if done == len { Ok(()) } else { Err(Errno::EIO.into()) }
}

impl<P: Paged + Platform<Caller = Caller<P>>> Process<P> {
    /// Runs an ioctl of this process's: with the proof that no hook is running and no mmap lock is held. Inside, user
    /// memory can be touched, as `copy_to_user` does, but not while a mapping is locked.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Exited`]; what the closure gives is passed on.
    pub fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, P>) -> R) -> Result<R, SyscallError> {
        in_no_hook(Some(self.mm()), run)
    }
}

/// A user thread of a process: it loads and stores through the page tables, and takes real faults.
///
/// Give each OS thread one of its own ([`Process::thread`]). It keeps its process alive.
///
/// An access of many pages is one of each page in turn; bytes of the pages before one that fails were copied. Each byte
/// is loaded or stored on its own, and nothing is promised about the order.
pub struct Thread<P: Paged> {
    process: Process<P>,
    // A thread is in one place at a time.
    not_shared: PhantomData<Cell<()>>,
}

impl<P: Paged> Thread<P> {
    /// The process it belongs to.
    #[must_use]
    pub fn process(&self) -> &Process<P> {
        &self.process
    }
}

impl<P: Paged + Platform<Fault = Fault<P>>> Thread<P> {
    /// Loads bytes.
    ///
    /// # Errors
    /// The signal that the access ends with, or what Linux could not report ([`AccessError`]).
    #[track_caller]
    pub fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), AccessError> {
        access::read(self.process.mm(), address, into)
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), AccessError> {
        access::write(self.process.mm(), address, from)
    }

    /// Loads one byte.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn read_u8(&self, address: UserAddr) -> Result<u8, AccessError> {
        let mut byte = [0];
        self.read(address, &mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    /// Stores one byte.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn write_u8(&self, address: UserAddr, byte: u8) -> Result<(), AccessError> {
        self.write(address, &[byte])
    }

    /// Loads four bytes, in the machine's order (little-endian).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn read_u32(&self, address: UserAddr) -> Result<u32, AccessError> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Stores four bytes, in the machine's order (little-endian).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn write_u32(&self, address: UserAddr, value: u32) -> Result<(), AccessError> {
        self.write(address, &value.to_le_bytes())
    }
}
