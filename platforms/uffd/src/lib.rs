//! Real page faults of real memory, in an ordinary Linux process, without root: `cargo add vmctx vmctx-uffd`.
//!
//! A [`Memory`] is a memory object of the kernel's; its pages are what drivers allocate. A [`Session`] has a
//! userfaultfd and the threads that read it: whoever touches memory that the session has mapped, and finds nothing
//! there, sleeps until a driver's fault hook has answered. An insertion maps the driver's own physical page
//! (`UFFDIO_CONTINUE`); nothing is copied, and what either side writes the other sees.
//!
//! ```
//! use vmctx::{Errno, FaultCtx, Mixed, PageRef, PageCount, Platform, VmFault, VmOperations};
//! use vmctx_uffd::{Map, Memory, OpenError, Ref, Session, Trap};
//!
//! /// Pages that are inserted as they are touched.
//! struct Ring<P: Platform> {
//!     pages: Vec<P::Page>,
//! }
//!
//! impl<P: Platform> VmOperations for Ring<P> {
//!     type Platform = P;
//!     type Kind = Mixed;
//!
//!     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
//!         ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let memory = Memory::new(PageCount::new(1000))?;
//! let session = match Session::open(&memory) {
//!     Ok(session) => session,
//!     // An old kernel, or a container that forbids it: the error says which, and what to do.
//!     Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) => {
//!         eprintln!("{error}");
//!         return Ok(());
//!     }
//!     Err(error) => return Err(error.into()),
//! };
//! let page = memory.alloc_page()?;
//! let at = session.map(&Ref::new(Ring { pages: vec![page.clone()] }), Map::shared(2 * 4096))?;
//!
//! // Ordinary memory, for any code of this process. `write` and `read` also survive the signal where there is none.
//! session.write(at, b"hello")?;
//! let mut bytes = [0; 5];
//! page.read(0, &mut bytes)?;
//! assert_eq!(&bytes, b"hello");
//! let behind = vmctx::UserAddr::new(at.get() + 4096);
//! assert_eq!(session.read(behind, &mut bytes), Err(Trap::Sigbus(behind)));
//! # Ok(())
//! # }
//! ```
//!
//! [`Session::map`] maps what a state shows. A driver that decides about each mapping, or fills it when it is made, is a
//! [`MmapFile`](vmctx::MmapFile), and is mapped with [`Session::mmap`].
//!
//! # What becomes of an answer
//!
//! | the hook's answer | the kernel is asked to | the access |
//! | --- | --- | --- |
//! | an insertion, or a page handed back | CONTINUE: one request for all pages of a fault that lie together | goes on |
//! | the same, and something was there already | CONTINUE (EEXIST), then WAKE | goes on |
//! | a refault | WAKE | is repeated; [too often](SessionError::RefaultsForever), a SIGBUS |
//! | RETRY | nothing: the hook is called once more, with the lock taken anew | waits |
//! | SIGBUS, or a [panic](SessionError::Panicked) | POISON | SIGBUS, with its address |
//! | OOM | nothing, a few times; then POISON | waits, then SIGBUS |
//! | the zero page | ZEROPAGE | goes on |
//! | a first store that is allowed | take the write protection away | goes on |
//! | the same in the fault that has inserted the page or frame, or handed it back | CONTINUE, without the protection: one event | goes on |
//!
//! `SharedObject::unmap_once` and `zap` are `madvise(MADV_DONTNEED)`. What a private mapping has copied is told by
//! `/proc/self/pagemap`, with stores held back by write protection meanwhile.
//!
//! # Where pages lie
//!
//! CONTINUE maps a page of the memory object at its own place in the kernel's mapping, and nowhere else. A mapping is
//! laid out for an object whose pages were allocated one after the other; a page that lies elsewhere is mapped on its
//! own, with five system calls more and, unless its neighbours lie beside it, one of the kernel's 65,530 mappings. The
//! layout is learned from the faults of a [`File`]'s earlier mappings.
//!
//! An object whose pages are made in any order, as those of a [`PageCache`](vmctx::PageCache) are, has
//! [memory in a row](Memory::in_a_row): each page lies at its place whenever it is made, and gives its memory back to the
//! system when it goes. Such an object may be far larger than memory.
//!
//! The zero page is the kernel's own (`UFFDIO_ZEROPAGE`), and takes no memory in any number of slots. In a private mapping it
//! takes no mapping of the kernel's either. In a shared one slots of zeros beside each other are one.
//!
//! Where a driver is told of first stores, such a page is mapped and registered elsewhere, and then moved into place
//! (`mremap`): else a store could come before the registration, and would be told to nobody. Moving waits until the
//! userfaultfd has told of it, so these mappings have one of their own. As long as somebody moves or a hook waits, one thread
//! does nothing but read it, and others serve; at other times the thread that reads serves, too.
//!
//! # Who serves
//!
//! [`Options`] say. One thread reads faults and serves them, if nothing is said; one that waits inside a hook, on a queue,
//! for a lock of the platform's, for a locked page or for [`Revocable`](vmctx::Revocable) memory, is replaced meanwhile,
//! however many they are. What has replaced others ends when they are back. With [`Options::in_thread`] whoever faults
//! serves itself, in a handler of SIGBUS.
//!
//! The threads of a session, of a guest and of a peer take no signals that others send, because a handler could touch what
//! they serve. Nor do threads that a hook starts there, until they say so (`pthread_sigmask`).
//!
//! A fault is served for everybody who waits at its page. An event whose thread went on before it was looked at, by
//! what was done for its neighbour, calls no driver: a hook runs for an access that waits for it, as in a kernel. And
//! the access goes on when the hook has returned, not before.
//!
//! Where several faults were read at once, the hooks of all of them are called before the first access goes on, because
//! whoever goes on takes the processor from those that wait: unless that would take longer than about 100 µs, or one of
//! the hooks waits or gives up its lock. So whoever touches the memory must hold no lock that a hook takes, unless it is
//! one of the platform's. A signal handler that touches it holds whatever the code holds that it has interrupted: never a
//! lock of the session's, whose calls take signals when they return, but perhaps the allocator's, or a mapping that an
//! [ioctl](Session::ioctl) has locked.
//!
//! # What was stored to
//!
//! With [`Options::track_stores`] a session says which pages users have stored to since it was last asked
//! ([`Session::take_dirty`]), which is what a snapshot of a running machine is made of. The kernel notes it, and no store
//! is a fault for that; before Linux 6.7 the first store to each page is one. A driver that is told of first stores
//! itself ([`page_mkwrite`](vmctx::Hooks::page_mkwrite)) has the same without that option.
//!
//! # What a hook must not do
//!
//! | what it does | what becomes of it |
//! | --- | --- |
//! | [`Session::read`], a system call of a session's, [`Session::pause`], [`Session::dirty`] | an error that names the hook |
//! | touch memory that a session serves, without that | if it is there, nothing, though nothing keeps it there. Otherwise it waits for itself, or for a thread that waits for it, for ever. Where the thread that faults serves, it gets the SIGBUS |
//! | wait for a thread that touches such memory | nobody serves that thread's fault, for ever, unless there is another reader ([`Options::readers`]) or each thread serves itself |
//! | take a lock that somebody holds who touches such memory | the same: the holder waits for a fault, and its hook for the holder. With the platform's [`Mutex`] and [`RwLock`] the fault is served by another thread, if that one's hook can go on without the lock |
//! | wait for a lock of the standard library's, or for a device | nobody replaces it: with one reader all faults wait meanwhile, those of whoever holds the lock, too. The platform's [`Mutex`], [`RwLock`] and [`WaitQueue`], or [`Options::readers`] |
//! | wait for somebody who waits for the mmap lock: who maps, unmaps, protects or pauses | both wait for ever, as in a kernel. Give the lock up first ([`FaultCtx::release`](vmctx::FaultCtx::release)) |
//! | panic | SIGBUS, and a [`SessionError::Panicked`]. What the payload does when it is dropped, it does in the hook; its own panic is caught. In `open`, `close`, `may_split` and the mmap hook, and in the drop of a state or a file, a panic goes on in whoever made the call |
//! | fork | nothing: the child has [nothing of it](#fork) |
//!
//! Nobody else's code is between a fault and its hook, but for one thing: who installs a handler of SIGBUS or SIGSEGV after
//! the first session of a process was opened has to pass on to the one that was there what is not his own. Otherwise
//! [`Session::read`] and [`Session::write`] do not survive the signal, and where the thread that faults serves, nobody
//! serves. A thread that blocks these two signals has the kernel end the process where it meets one: who blocks all others
//! leaves them out.
//!
//! # Who may
//!
//! Everybody, since Linux 6.6. `/dev/userfaultfd` is tried first, then the system call for all faults, then the one for
//! faults of user mode only, which needs no rights. With that a *system call* that meets an empty page (`read(2)` into
//! it) fails with EFAULT; touch it first. [`Session::is_user_mode_only`] tells, and a session with
//! [`Options::refuse_user_mode_only`] does not open then.
//!
//! # Where it differs from Linux
//!
//! - All memory is cached as RAM is, whatever the driver asks for; `decrypted` means nothing. Frames of devices are
//!   stood in for by [memory](Memory::device_memory).
//! - There are no large entries, and `huge_fault` is not called, but for memory that is [made of 2 MiB
//!   pages](Memory::of_huge_pages): there it is called alone.
//! - A child of fork has [nothing of it](#fork). `mprotect` and `munmap` are the session's, and it has no `mremap`; what
//!   other code does with these system calls to its addresses is [not seen by drivers](#past-the-session).
//! - What a driver has not [granted](vmctx::MmapCtx::writable), no call of the session gives. The kernel does not
//!   know of it: to a system call that the process itself makes, or its debugger, the memory is a memory object that
//!   it can write. Who maps is trusted as far as the process is.
//! - An [`access`](vmctx::Hooks::access) hook is not called: ptrace and `/proc/pid/mem` of this process are the
//!   kernel's, which finds real pages everywhere, those that stand in for a device's frames, too.
//! - KVM finds pages as system calls do: `KVM_RUN` fails with EFAULT where one is empty and the session is for
//!   [faults of user mode only](Session::is_user_mode_only). Who runs machines refuses such a session
//!   ([`Options::refuse_user_mode_only`]).
//! - [`Session::read`] and [`Session::write`] survive signals by the handlers that the first session, or guest, of a
//!   process installs: others that are installed later [pass on to these](#what-a-hook-must-not-do).
//! - A SIGBUS stays, without a call of the driver, until something is inserted or taken away there, or until it is
//!   [forgotten](Session::retry), as [`Session::read`] and [`Session::write`] do with theirs. After a refused first
//!   store that is so for loads, too.
//! - A copied page of a private mapping keeps the reference to the page that it is a copy of until it is unmapped.
//! - There is nobody to kill for want of memory.
//!
//! # Past the session
//!
//! What code asks the kernel for itself, at addresses of a session's, neither the session nor a driver sees. Nobody waits for
//! ever for that, and a hook that serves there is none the worse.
//!
//! | system call | what becomes of it |
//! | --- | --- |
//! | `madvise`: `MADV_DONTNEED`, `MADV_PAGEOUT` and the like | what is missing is brought again, without the driver where it has inserted it; a SIGBUS is one again |
//! | `MADV_REMOVE` of a shared mapping | **the memory object's pages there are zeros from then on, also those that no driver has inserted there**, for drivers as well, and wherever they are mapped |
//! | `mprotect` | as it says, but for the next call of the session's there |
//! | `munmap`, and `mmap` over it | as they say. The session does not know: its next call there, its end, or a driver that inserts there takes away what is there by then |
//! | `mremap` | the kernel takes the userfaultfd along only where drivers are told of stores: what is missing is a SIGBUS there, and stores are told to nobody. Elsewhere **the memory object shows, with pages that no driver has inserted** |
//! | `MADV_DOFORK`, and then `fork` | the kernel takes it along nowhere: **the memory object shows** in the child |
//! | `MADV_DONTNEED` after [`Session::stop`] | the kernel has forgotten what is a SIGBUS, and nobody is there to say it again: **the memory object shows** |
//!
//! What is bold here no session can keep from its own process, or from its guest, which have the memory object's descriptor.
//!
//! # Another process
//!
//! The drivers and the memory can be in one process, and the users in another. The two have a Unix socket between them:
//! the one calls [`Session::open_for`] with its end, the other [`Guest::join`]. From then on the session is like any
//! other, but that its addresses are the guest's, and that [`Guest::read`] and [`Guest::write`] are there and not here.
//! One driver, and one object, can be mapped through as many sessions as there are processes.
//!
//! ```no_run
//! # use vmctx::{MmapFile, PageCount, UserAddr};
//! # use vmctx_uffd::{Guest, Map, Memory, Session, Uffd};
//! # fn serve(driver: impl MmapFile<Platform = Uffd>) -> Result<(), Box<dyn std::error::Error>> {
//! // Where the drivers are.
//! let (stream, _) = std::os::unix::net::UnixListener::bind("/run/example/faults")?.accept()?;
//! let memory = Memory::new(PageCount::new(1000))?;
//! let session = Session::open_for(&memory, stream)?;
//! let at = session.mmap(&session.file(driver), Map::shared(1 << 20))?;
//! // Now the guest is to be told where that is: the application has its own ways.
//! # Ok(())
//! # }
//! # fn join(tell_address: impl FnOnce() -> UserAddr) -> Result<(), Box<dyn std::error::Error>> {
//!
//! // Where the users are.
//! let guest = Guest::join(std::os::unix::net::UnixStream::connect("/run/example/faults")?)?;
//! let at: UserAddr = tell_address();
//! guest.write(at, b"hello")?;
//! # Ok(())
//! # }
//! ```
//!
//! A userfaultfd works on the memory of the process that has opened it, whoever holds it; so the guest opens them, and
//! sends them over. What only the process itself can do to its addresses, a thread of the guest's does when it is
//! asked: to map, to unmap, to protect, to take pages away, to look for private copies. Each costs a message there and
//! one back; a page that lies where the mapping would have it costs none.
//!
//! - The guest does nothing to addresses that it has not reserved itself, whatever it is asked. Besides that the two
//!   trust each other: the guest has all of the [`Memory`] in its hands, and a guest that does not answer, or is
//!   stopped (SIGSTOP), holds up whoever takes its pages away.
//! - When the guest's process has gone, however it ended, or the [`Guest`] was dropped, that is a
//!   [`SessionError::GuestGone`]. Hooks that wait are interrupted, calls fail with ESRCH, and dropping the session puts
//!   the references of all its pages. A process that shares its memory (`CLONE_VM`) and lives longer keeps the pages that are
//!   there, which nobody else is given then, and finds SIGBUS elsewhere.
//! - A process that runs another program (`exec`) has gone as well. Where a child of it holds the socket open, the next call
//!   notices.
//! - When the session ends or its process dies, all of its addresses become a SIGSEGV in the guest, for whoever waits,
//!   too. The guest keeps descriptors of its own until that is so: the last one to be closed would hand out zeros.
//!
//! # Somebody else's userfaultfd
//!
//! A virtual machine monitor that restores a snapshot opens a userfaultfd of its own, registers the guest's memory with it,
//! and sends it over a Unix socket: that of Firecracker does, and those that have learned it from there. [`Peer::adopt`] takes
//! the descriptor and the [`Regions`] that came with it, and a driver's state serves their faults. It is a platform of its own,
//! [`Adopted`], because what is inserted is copied (`UFFDIO_COPY`), and is the peer's own from then on: nothing is taken away
//! again, no store is told, and the driver needs a page no longer than its fault takes. So it needs no more memory than one
//! has for the pages of the faults that are served at once, or none at all, where the bytes are those of a [`MappedFile`].
//!
//! ```no_run
//! use std::os::{fd::OwnedFd, unix::net::UnixStream};
//! use vmctx::{Errno, FaultCtx, FrameSource, Mixed, VmFault, VmOperations};
//! use vmctx_uffd::{Adopted, Adoption, MappedFile, Region, Regions, Removed};
//!
//! /// A snapshot, and what a balloon has taken since.
//! struct Snapshot {
//!     file: MappedFile,
//!     removed: Removed,
//! }
//!
//! impl VmOperations for Snapshot {
//!     type Platform = Adopted;
//!     type Kind = Mixed;
//!
//!     fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
//!         if self.removed.contains(ctx.pgoff()) {
//!             return ctx.insert_zero_page();
//!         }
//!         ctx.insert_mixed_with(|at| self.file.frame(at.pgoff()).ok_or(Errno::ENXIO))
//!     }
//! }
//!
//! # fn restore(receive: impl FnOnce(&UnixStream) -> (OwnedFd, Vec<Region>)) -> Result<(), Box<dyn std::error::Error>> {
//! let (stream, _) = std::os::unix::net::UnixListener::bind("/run/example/vm")?.accept()?;
//! let (uffd, regions): (OwnedFd, Vec<Region>) = receive(&stream); // as the peer has it
//! let regions = Regions::new(&regions)?;
//! let file = MappedFile::new(std::fs::File::open("/var/example/vm.mem")?)?;
//! let state = Snapshot { file, removed: regions.removed() };
//! let peer = Adoption::default().socket(stream).adopt(uffd, &regions, state)?;
//! println!("{:?}, {:?}", peer.wait(), peer.statistics());
//! # Ok(())
//! # }
//! ```
//!
//! | the peer, or the kernel | what becomes of it |
//! | --- | --- |
//! | gives memory back (`MADV_DONTNEED`), with `UFFD_FEATURE_EVENT_REMOVE` | it is missing again, and [`Removed`] says so: the hook brings it anew, or zeros. It comes by faults of its own only: as a neighbour it is [`Refused`](vmctx::Prefault::Refused) |
//! | the same without that feature | it is missing again, and nobody knows |
//! | unmaps, moves (`UFFD_FEATURE_EVENT_UNMAP`, `_REMAP`) | it is served where it is now; the driver sees the addresses that it had |
//! | forks (`UFFD_FEATURE_EVENT_FORK`) | the child is not served: what it does not have is a SIGBUS there |
//! | changes its mappings while something is copied (EAGAIN) | what it says of that is read first; where it has given the page back, the hook is asked again |
//! | has the page already (EEXIST) | whoever waits is woken |
//! | touches what is registered and no region | SIGBUS, and [`SessionError::OutsideRegions`] |
//! | dies, or runs another program | hooks that wait are interrupted; [`PeerEnd::Gone`] |
//! | cannot be served, by the hook or by want of memory | SIGBUS, and the error |
//! | is no longer served, because the [`Peer`] was stopped or dropped | SIGBUS for what is missing, for whoever waits, too |
//!
//! The hooks `map_pages`, `huge_fault`, `page_mkwrite`, `pfn_mkwrite` and `access` are not called. Pages are of 4096 bytes:
//! a region of larger ones is a [`RegionError`]. `examples/firecracker-handler` in the repository is a handler for
//! Firecracker, whole.
//!
//! # Fork
//!
//! What a child of fork inherits is its parent's: descriptors, sockets and userfaultfds work on the parent's memory, and
//! the threads that would answer are not there. So a child has no such mappings (`MADV_DONTFORK`) and no access to the
//! bytes of pages and devices. Every call fails, with [`SyscallError::Forked`], [`Trap::Forked`], [`OpenError::Forked`],
//! or ESRCH where memory is allocated; and to drop a [`Session`], a [`Guest`], a [`Peer`], a [`Memory`] or a [`Page`] does nothing.
//! The child makes memory, and opens sessions, of its own.
//!
//! # Locks
//!
//! From the outside in: the session's mmap lock (a system call of the session's holds it for write; a fault for read,
//! until its handler gives it up; an ioctl for read, while it has a mapping locked), locks of drivers, page locks,
//! where an object is mapped ([`Object`]), a mapping's table. A thread that waits inside a hook is replaced meanwhile,
//! so that one fault can wait for another.
//!
//! # Cost
//!
//! `cargo bench -p vmctx-uffd` compares it with loops by hand of the same requests, and with the kernel's own faults of
//! shared memory; `docs/cost.md` has the figures, and what the defaults were chosen by. Bring what is at hand around a
//! fault ([`prefault_pages`](vmctx::FaultCtx::prefault_pages)): from 16 pages a fault on it is faster than faults of
//! the kernel's, on one processor. A fault is a wake-up of another thread, which is cheap on one processor and dear
//! across two: pin the thread that opens the session, and those that touch, where that counts; or serve in the thread
//! that faults.
#![expect(unsafe_code, reason = "memory is mapped, and the kernel is asked, behind the language's back")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

// From the bottom up: the platform's type, errors and counts; `kernel`; `free_pages`, `frames` and `memory`; `process`; `table`;
// `mm`; `serve`; `session` and `guest`; `platform`; `user_side`; and beside these last four `adopt`. Nothing imports what comes
// after it.
mod adopt;
mod error;
#[cfg(test)]
mod fail_closed;
mod guest;
mod kernel;
#[cfg(test)]
mod late_events;
mod memory;
mod mm;
mod platform;
pub mod prelude;
mod process;
mod serve;
mod session;
mod statistics;
mod table;
mod uffd;
mod user_side;

pub use adopt::{
    adopted::Adopted,
    fault::AdoptedFault,
    mapped_file::MappedFile,
    peer::{AdoptError, Adoption, Peer},
    regions::{Region, RegionError, Regions},
    removed::Removed,
    shared::PeerEnd,
    statistics::PeerStatistics,
    vma::{AdoptedCaller, AdoptedHandle, EstablishedRegion, NewRegion},
};
pub use error::{Attempt, KernelError, OpenError, SessionError, SyscallError, Trap};
pub use guest::Guest;
pub use memory::{DeviceMemory, Memory, Page};
pub use mm::{
    file::File,
    new_vma::NewVma,
    vma::{Caller, EstablishedVma, Handle},
};
pub use serve::vmf::{Fault, faulting_thread};
pub use session::{
    calls::Session,
    options::{Options, Tracking},
};
pub use statistics::Statistics;
pub use uffd::Uffd;
pub use vmctx_hosted::{
    Answers, Hook, Map, Mutex, MutexGuard, Object, Prot, ReadGuard, Ref, RwLock, SpinGuard, SpinLock, WaitQueue,
    WriteGuard,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
