//! How a session ends. It fails closed: nobody is handed zeros for want of a server.

use std::{
    mem,
    net::Shutdown,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
};

use vmctx::platform::VmFlags;
use vmctx_hosted::{hook, panics::ClosedFiles};

use crate::{
    error::SyscallError,
    kernel::sys::{ProtFlags, prot_of},
    mm::vma::protects,
    serve::readers::Readers,
};

use super::calls::Session;

impl Session {
    /// Serves no faults until [`resume`](Self::resume): whoever faults waits. When this returns, no hook is being called for
    /// a fault that could insert anything; one that has [given up its lock](vmctx::FaultCtx::release) may still be waiting.
    /// So nothing changes that users see of what is missing, for whoever takes a snapshot, or puts another driver's state in
    /// place of this one's. What is mapped is stored to meanwhile, unless nobody runs who does. The session's calls, and
    /// drivers that come back to their mappings, go on.
    ///
    /// Waits for hooks that are being called. [`stop`](Self::stop), and dropping the session, end a pause. Twice is as once.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Stopped`], [`SyscallError::Forked`].
    pub fn pause(&self) -> Result<(), SyscallError> {
        let lock = self.write_lock()?;
        if lock.stopped {
            return Err(SyscallError::Stopped);
        }
        self.shared.space.close_gate();
        Ok(())
    }

    /// Serves faults again, those that have waited, too. Nothing to resume is no error.
    pub fn resume(&self) {
        if self.check_home().is_ok() {
            self.shared.space.open_gate();
        }
    }

    /// Stops serving. Hooks that wait are interrupted; then everything that is not mapped becomes a SIGBUS, for whoever
    /// waits too, and the threads end. What is mapped stays, until it is revoked; but where drivers are told of stores,
    /// nothing can be stored any more.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`], [`SyscallError::Forked`].
    pub fn stop(&self) -> Result<(), SyscallError> {
        self.check_home()?;
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        let shared = &self.shared;
        shared.stopping.store(true, Ordering::Release);
        shared.sleepers.nudge_all();
        let mut lock = shared.space.write();
        if !lock.stopped {
            lock.stopped = true;
            // Who waits there sees that nobody is served any more.
            shared.space.open_gate();
            for vma in lock.vmas.iter() {
                shared.space.poison(vma.table());
                if protects(vma) && vma.flags().contains(VmFlags::SHARED) {
                    let (before, range) = (prot_of(vma.flags()), vma.range());
                    if vma.table().protect(&range, before, before - ProtFlags::WRITE).is_err() {
                        shared.space.take_away(vma.table(), &range);
                    }
                }
            }
        }
        drop(lock);
        let mut threads: Vec<_> = shared.all_readers().flat_map(Readers::stop).collect();
        if let Some(guest) = &shared.guest {
            let _ = guest.sigbus_socket.shutdown(Shutdown::Both);
            threads.extend(guest.thread.lock().take());
        }
        for thread in threads {
            // The threads catch the panics of drivers, so this is a mistake of this crate's.
            if let Err(panic) = thread.join() {
                if !thread::panicking() {
                    resume_unwind(panic);
                }
            }
        }
        if shared.space.take_away_again() {
            // Pages that are mapped stay. If the kernel forgets one, it brings it again by itself, without a userfaultfd.
            shared.all_readers().for_each(|readers| readers.uffd().close(shared.memory.fd()));
            shared.space.owner().close_userfaultfds();
        } else {
            // Whoever waits there waits for ever.
            shared.all_readers().for_each(|readers| mem::forget(Arc::clone(readers.uffd())));
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.check_home().is_err() {
            // Nothing of it is a child's, and what is a part of it must not be dropped there either.
            mem::forget(Arc::clone(&self.shared));
            return;
        }
        if hook::in_the_way().is_some() || self.stop().is_err() {
            // Dropped inside a hook, which this thread would have to wait for. So nothing is served any more, and nothing
            // of the session is given back: not the userfaultfd either, without which the kernel would hand out what is not
            // mapped. Where the threads that fault serve, no other thread has a share of it.
            self.shared.stopping.store(true, Ordering::Release);
            mem::forget(Arc::clone(&self.shared));
            return;
        }
        let lock = self.shared.space.write();
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let mut files = ClosedFiles::default();
            let mut lock = lock;
            self.shared.space.unmap(&mut lock, &(0..usize::MAX), &mut files);
        }));
        if self.shared.space.take_away_again() {
            for range in self.shared.space.addresses.all() {
                self.shared.space.addresses.retire(range);
            }
        }
        // No access is in the middle of them: it would have the session borrowed.
        self.shared.space.addresses.give_back();
        if let Some(guest) = &self.shared.guest {
            guest.agent.hang_up();
        }
        if let Err(panic) = dropped {
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}
