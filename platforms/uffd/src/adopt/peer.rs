//! A peer: how it is adopted, and how that ends.

use std::{
    fmt, mem,
    os::{fd::OwnedFd, unix::net::UnixStream},
    panic::resume_unwind,
    sync::{Arc, atomic::Ordering},
    thread,
};

use vmctx::{Errno, UnlockedCtx, VmOperations, entry, kind::FilledLater, platform::VmFlags};
use vmctx_hosted::{Hook, Object, Ref, hook};

use crate::{
    error::{KernelError, RawErrno, SessionError, SyscallError},
    kernel::{
        ioctl,
        messages::Life,
        sys::{self, PAGE_SIZE},
        userfaultfd::Userfaultfd,
    },
    serve::readers::Readers,
};

use super::{
    adopted::Adopted,
    regions::Regions,
    removed::Removed,
    serve,
    shared::{PeerEnd, Shared},
    statistics::PeerStatistics,
    target::Target,
    vma::{AdoptedCaller, NewRegion, Space, Table, Vma, Whole},
};

/// A userfaultfd was not adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// The descriptor is another file's.
    #[error("the descriptor is no userfaultfd")]
    NotAUserfaultfd,
    /// Pages of another size than 4096 bytes.
    #[error("this kernel's pages have {0} bytes, and this platform's 4096: boot a kernel with 4 KiB pages")]
    PageSize(usize),
    /// The state, or its open hook, refuses the mapping.
    #[error("the driver refuses the memory: {0}")]
    Driver(Errno),
    /// The kernel refused something that should always work: threads, descriptors.
    #[error("the kernel refuses: {0}")]
    Refused(KernelError),
}

/// How a userfaultfd is adopted. [`Peer::adopt`] is all defaults.
#[derive(Debug)]
pub struct Adoption {
    readers: usize,
    refaults: usize,
    socket: Option<UnixStream>,
}

impl Default for Adoption {
    fn default() -> Self {
        Self { readers: 1, refaults: 100_000, socket: None }
    }
}

impl Adoption {
    /// How many threads serve from the start: 1, if nothing is said. As [`Options::readers`](crate::Options::readers).
    #[must_use]
    pub fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// How often a handler may repeat one access without inserting anything: 100,000 times, if nothing is said. As
    /// [`Options::refaults`](crate::Options::refaults).
    #[must_use]
    pub fn refaults(self, refaults: usize) -> Self {
        Self { refaults, ..self }
    }

    /// The socket on which the userfaultfd came. It says which process the peer is (`SO_PEERPIDFD`): when that has ended, the
    /// peer [has gone](PeerEnd::Gone). So it has when it runs another program (`exec`), which closes its end of the socket. Without
    /// it that shows where something is to be copied, which may be never. Nothing is read from it, and the peer may close its
    /// end.
    #[must_use]
    pub fn socket(self, socket: UnixStream) -> Self {
        Self { socket: Some(socket), ..self }
    }

    /// Adopts a userfaultfd with these.
    ///
    /// # Errors
    /// As [`Peer::adopt`].
    pub fn adopt<V>(self, uffd: OwnedFd, regions: &Regions, state: V) -> Result<Peer, AdoptError>
    where
        V: VmOperations<Platform = Adopted>,
        V::Kind: FilledLater,
    {
        if sys::page_size() != PAGE_SIZE {
            return Err(AdoptError::PageSize(sys::page_size()));
        }
        let refused = |errno: RawErrno| AdoptError::Refused(KernelError::of(errno));
        if !ioctl::is_userfaultfd(&uffd).map_err(refused)? {
            return Err(AdoptError::NotAUserfaultfd);
        }
        let readers = Readers::new(Userfaultfd::adopt(uffd, false, false).map_err(refused)?);
        let target = Arc::new(Target::new(Arc::clone(readers.uffd()), regions.clone()));
        let (life, no_life) = match self.socket.map(Life::of).transpose() {
            Ok(life) => (life, None),
            Err(errno) => (None, Some(errno)),
        };
        // From here on whatever goes wrong drops the peer, which makes what is missing a SIGBUS.
        let peer = Peer { shared: Arc::new(Shared::new(target, readers, life, self.refaults.max(1))) };
        if let Some(errno) = no_life {
            return Err(refused(errno));
        }
        // Faults that are read already wait for this lock, until there is somebody to serve them.
        let mut space = peer.shared.space.write();
        serve::start(&peer.shared, self.readers.max(1)).map_err(|error| refused(crate::error::raw(&error)))?;
        peer.establish(&mut space, regions, state).map_err(AdoptError::Driver)?;
        drop(space);
        Ok(peer)
    }
}

/// A process whose userfaultfd was adopted: it has opened and registered it, and has sent it over. Its faults are served here,
/// with threads of its own, by copying (`UFFDIO_COPY`) what a driver's hook inserts. See [the crate's page](crate#somebody-elses-userfaultfd).
///
/// Addresses that drivers see are those that the regions had when they were adopted.
///
/// It fails closed: when it is stopped or dropped, whatever is missing becomes a SIGBUS for the peer, and for whoever waits.
pub struct Peer {
    shared: Arc<Shared>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("end", &self.shared.end()).finish_non_exhaustive()
    }
}

impl Peer {
    /// Adopts a userfaultfd: from now on the state's hooks serve its faults. All regions are one mapping of the state's object,
    /// private, and each is told to its `open` hook.
    ///
    /// Its owner has made the handshake (`UFFDIO_API`), with whatever features it likes, and has registered the regions for
    /// missing pages. `O_NONBLOCK` is set, for its own descriptor, too.
    ///
    /// # Errors
    /// What is wrong. The descriptor is closed then, after what is missing was made a SIGBUS.
    pub fn adopt<V>(uffd: OwnedFd, regions: &Regions, state: V) -> Result<Self, AdoptError>
    where
        V: VmOperations<Platform = Adopted>,
        V::Kind: FilledLater,
    {
        Adoption::default().adopt(uffd, regions, state)
    }

    fn establish<V>(&self, space: &mut Space, regions: &Regions, state: V) -> Result<(), Errno>
    where
        V: VmOperations<Platform = Adopted>,
        V::Kind: FilledLater,
    {
        let state = Ref::new(state);
        let object = V::HOOKS.named(&state);
        let object: Object = object.map(|object| object.platform_object().clone()).unwrap_or_default();
        let table = Arc::new(Table { target: Arc::clone(&self.shared.target) });
        let flags = VmFlags::READ | VmFlags::WRITE | VmFlags::MAYREAD | VmFlags::MAYWRITE;
        for place in regions.places() {
            let vma = Vma::new(place.addresses.clone(), place.pgoff, flags, object.clone(), Arc::clone(&table));
            let mut region = NewRegion { vma, space: Arc::clone(&self.shared.space) };
            // SAFETY: the VMA is being made for this file; the mmap lock is held for write.
            hook::enter(Hook::Mmap, || unsafe { entry::mmap(&Whole(state.clone()), &mut region) })?;
            space.vmas.insert(region.vma);
        }
        Ok(())
    }

    /// Waits until the service has ended, and says how.
    #[must_use]
    pub fn wait(&self) -> PeerEnd {
        self.shared.wait_for_end()
    }

    /// How the service has ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<PeerEnd> {
        self.shared.end()
    }

    /// Which pages the peer has given back.
    #[must_use]
    pub fn removed(&self) -> Removed {
        self.shared.target.removed()
    }

    /// What went wrong since this was last asked, the first first. The accesses have had their signals.
    #[must_use]
    pub fn take_errors(&self) -> Vec<SessionError> {
        if self.is_here() { self.shared.take_errors() } else { Vec::new() }
    }

    /// What has happened so far.
    #[must_use]
    pub fn statistics(&self) -> PeerStatistics {
        self.shared.target.counters.snapshot()
    }

    /// Runs an ioctl: with the proof that no hook is running and no mmap lock is held. Inside, the mapping can be locked by an
    /// address of a region, and pages can be brought that nobody has asked for yet.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Stopped`], [`SyscallError::Forked`]; what the closure gives is passed on.
    pub fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Adopted>) -> R) -> Result<R, SyscallError> {
        if let Some(hook) = hook::running() {
            return Err(SyscallError::InsideHook { hook });
        }
        if !self.is_here() {
            return Err(SyscallError::Forked);
        }
        if self.shared.is_stopping() {
            return Err(SyscallError::Stopped);
        }
        let space = Some(&self.shared.space);
        // SAFETY: no hook is running on this thread, and only hooks and system calls hold mmap locks.
        Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(AdoptedCaller::new(space), run) }))
    }

    /// Stops serving. Hooks that wait are interrupted; then whatever is missing becomes a SIGBUS, for whoever waits too, and
    /// the threads end. What was copied stays. That takes a request of the kernel's for each page that is there. Where the kernel
    /// refuses it, whoever waits waits on.
    ///
    /// The peer must not be left running if it has switched on events: it would wait for ever for somebody to read them.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Forked`].
    pub fn stop(&self) -> Result<(), SyscallError> {
        if !self.is_here() {
            return Err(SyscallError::Forked);
        }
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        let shared = &self.shared;
        shared.stopping.store(true, Ordering::Release);
        shared.sleepers.nudge_all();
        let mut space = shared.space.write();
        let is_first = !mem::replace(&mut space.stopped, true);
        drop(space);
        if is_first {
            // Threads still read: as long as an event is not read, nothing can be poisoned.
            if shared.target.poison_all().is_err() {
                // The userfaultfd stays open, then: nobody is handed zeros.
                mem::forget(Arc::clone(&shared.target));
            }
        }
        shared.note_end(PeerEnd::Stopped);
        for thread in shared.readers.stop() {
            // The threads catch the panics of drivers, so this is a mistake of this crate's.
            if let Err(panic) = thread.join() {
                if !thread::panicking() {
                    resume_unwind(panic);
                }
            }
        }
        Ok(())
    }

    fn is_here(&self) -> bool {
        self.shared.target.uffd.fd().is_ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if !self.is_here() {
            // Nothing of it is a child's, and what is a part of it must not be dropped there either.
            mem::forget(Arc::clone(&self.shared));
            return;
        }
        if self.stop().is_err() {
            // Dropped inside a hook, which this thread would have to wait for. So nothing is served any more, and the
            // userfaultfd stays open: nobody is handed zeros.
            self.shared.stopping.store(true, Ordering::Release);
            mem::forget(Arc::clone(&self.shared));
            return;
        }
        let mut space = self.shared.space.write();
        let mut vmas = space.vmas.take(&(0..usize::MAX));
        vmas.iter().for_each(Vma::unlink);
        Vma::close_all(&mut vmas);
    }
}
