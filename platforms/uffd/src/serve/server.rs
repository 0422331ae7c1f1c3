//! The threads that read events and serve them.

use std::{cell::Cell, io, sync::Arc, thread::JoinHandle, time::Instant};

use vmctx_hosted::waiting;

use crate::{
    error::{KernelError, OpenError, RawErrno, SessionError, raw},
    kernel::{
        event::Event,
        open::Purpose,
        queue::{Queue, Task},
        undisturbed,
        userfaultfd::{BATCH, Userfaultfd},
    },
    mm::address_space::LockedVma,
    statistics::Counters,
    table::page_table::Claim,
};

use super::{
    batch::{Batch, Deferred, QUICK},
    hook_call::PageFault,
    readers::Readers,
    shared::{Shared, Which},
    vmf,
};

/// After a read that has found several events, so many reads ask for a whole batch.
const WHOLE_BATCHES: u32 = 64;
/// Otherwise one read in so many does.
const EVERY: u32 = 16;

/// A thread that serves the events of a userfaultfd.
struct Server<'a> {
    shared: &'a Arc<Shared>,
    readers: &'a Readers,
    counters: &'a Counters,
}

/// What a thread does, where the one that reads is [another one](crate::kernel::queue) than those that serve. Elsewhere all
/// of them serve.
#[derive(Clone, Copy)]
enum Role {
    Reader,
    Server,
}

/// Why a thread ends.
enum ThreadEnd {
    /// It was told to, and had this role.
    Told(Role),
    /// There are more than are needed.
    Surplus,
}

impl<'a> Server<'a> {
    /// Serves one event: whoever waits goes on, one way or the other. Where the kernel is told of the answer later, that
    /// happens when the batch is [flushed](Batch::flush), and the lock is kept in `kept` until then.
    #[inline(always)]
    fn serve(&self, event: &Event, batch: &Batch<'_>, kept: &mut Option<LockedVma<'a>>) {
        let fault = PageFault {
            shared: self.shared,
            counters: self.counters,
            address: event.address,
            write: event.write,
            thread: event.thread,
            batch,
        };
        let is_here = |locked: &LockedVma<'_>| locked.vma().is_some_and(|vma| vma.range().contains(&event.address));
        if !kept.as_ref().is_some_and(is_here) {
            // The lock is released before it is taken again. Otherwise a system call that waits for it in between would wait
            // for this thread, and this thread for the call.
            unlock(kept, batch);
            *kept = self.shared.space.lock_vma(event.address);
        }
        let Some(locked) = kept else {
            self.counters.count(|of| &of.events);
            self.outside(&fault, event.protected);
            return;
        };
        let claim = locked.table().claim_fault(event.address, event.read_at, batch.alone.get());
        if !matches!(claim, Claim::Nobodys) {
            self.counters.count(|of| &of.events);
        }
        if matches!(claim, Claim::Own) {
            let end = fault.resolve(locked, event.protected, Some(event.read_at));
            fault.waiters().end(locked, end);
            if !batch.alone.get() {
                locked.table().release_fault(event.address);
            }
        }
        if !batch.defers() {
            unlock(kept, batch);
        }
    }

    /// Nothing of the session's is there. Mostly it was unmapped meanwhile: the access is repeated, and the kernel decides.
    ///
    /// But where drivers are told of stores, what a user moves (`mremap`) stays registered, and nobody knows what it is. Such
    /// an access would be repeated for ever.
    #[cold]
    fn outside(&self, fault: &PageFault<'_, '_>, protected: bool) {
        self.shared.space.take_away_again();
        let (uffd, page) = (self.readers.uffd(), fault.page_range());
        if self.shared.is_stray(fault.address) {
            // No mapping of the session's is made there meanwhile.
            let space = self.shared.space.mmap_lock.read();
            if space.vmas().find(fault.address).is_none() {
                if protected {
                    // There is a page, so no SIGBUS can be had. A driver has shown it to this user, to store to if it was told.
                    let _ = uffd.unprotect(&page, true);
                } else {
                    let _ = uffd.poison(&page);
                }
            }
        }
        // It fails only for a range that is none.
        let _ = uffd.wake(&page);
    }
}

/// Releases the lock, after the kernel was told of what was answered under it.
#[inline]
fn unlock(kept: &mut Option<LockedVma<'_>>, batch: &Batch<'_>) {
    if let Some(locked) = kept.take() {
        batch.flush(&locked);
    }
}

/// Starts the threads that do not run yet, so that this many serve.
pub(crate) fn start(shared: &Arc<Shared>, which: Which, serving: usize) -> io::Result<()> {
    let Some(readers) = shared.readers(which) else { return Ok(()) };
    readers.start(serving, || spawn(shared, which, Role::Reader), || spawn(shared, which, Role::Server))
}

/// The threads for mappings whose drivers are told of stores, which are started for the first of these. The caller holds
/// the mmap lock for write.
pub(crate) fn start_moving(shared: &Arc<Shared>) -> Result<&Readers, OpenError> {
    if shared.moving.get().is_none() {
        let all_faults = !shared.direct.uffd().is_user_mode_only();
        let purpose = Purpose { moves: true, in_thread: shared.in_thread, all_faults, ..Purpose::default() };
        let _ = shared.moving.set(Readers::new(Userfaultfd::open(purpose)?));
    }
    let Some(readers) = shared.moving.get() else { return Err(OpenError::Refused(KernelError::of(RawErrno::IO))) };
    start(shared, Which::Moving, if shared.in_thread { 0 } else { 1 })?;
    Ok(readers)
}

/// Waits inside the hook that this thread is calling, if it is. Another thread serves faults meanwhile, among them perhaps
/// the one that is waited for.
fn wait_in_hook(wait: &mut dyn FnMut()) {
    let replaced = vmf::with_current(|vmf| {
        let (shared, table, batch) = (vmf.shared, vmf.area.table, vmf.batch);
        // The hook may wait for somebody who goes on with an answer that was deferred.
        batch.flush(vmf.locked);
        if batch.alone.take() {
            table.claim_to_wait(vmf.address);
        }
        let (which, readers) = match shared.moving.get().filter(|moving| table.is_registered_with(moving.uffd())) {
            Some(moving) => (Which::Moving, moving),
            None => (Which::Direct, &shared.direct),
        };
        batch.leave_rest(readers.uffd());
        if let Some(queue) = readers.queue() {
            queue.pass_reading_on();
        }
        let started = readers.replace(|| shared.is_stopping(), || spawn(shared, which, Role::Server));
        if let Err(error) = started {
            // What is waited for may come from elsewhere.
            shared.report(SessionError::NoThread(KernelError::of(raw(&error))));
        }
        wait();
        readers.is_back();
    });
    if replaced.is_none() {
        wait();
    }
}

fn spawn(shared: &Arc<Shared>, which: Which, role: Role) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let run = move || {
        if let Some(readers) = shared.readers(which) {
            run(&shared, readers, role);
        }
    };
    undisturbed::spawn("vmctx-faults", run)
}

/// A thread of a userfaultfd.
fn run(shared: &Arc<Shared>, readers: &Readers, role: Role) {
    waiting::set_waiter(wait_in_hook);
    let counters = shared.counters_of_a_thread();
    let server = Server { shared, readers, counters: &counters };
    let end = match readers.queue() {
        Some(queue) => server.take_turns(queue, role),
        None => server.serve_what_is_read(),
    };
    match end {
        ThreadEnd::Told(Role::Server) => readers.server_left(),
        ThreadEnd::Told(Role::Reader) => readers.reader_left(),
        ThreadEnd::Surplus => shared.take_over(&counters),
    }
}

impl Server<'_> {
    /// Serves what it reads.
    fn serve_what_is_read(&self) -> ThreadEnd {
        let deferred = Deferred::new(self.shared);
        let serve = |events: &[Event]| {
            let begun = if events.len() > 1 && deferred.is_tried() { Some(Instant::now()) } else { None };
            let used = begun.map(|_| &deferred);
            let (mut rest, mut kept) = (events, None);
            while let [event, behind @ ..] = rest {
                rest = if self.serve_one(event, behind, used, &mut kept) { &[] } else { behind };
            }
            if let Some(begun) = begun {
                deferred.note(begun.elapsed() < QUICK);
            }
            if let Some(locked) = kept {
                deferred.flush(&locked);
            }
        };
        let is_told = read(self.shared, self.readers, || self.readers.leave_if_surplus(), serve);
        if is_told { ThreadEnd::Told(Role::Server) } else { ThreadEnd::Surplus }
    }

    /// Reads, or serves what another thread has read.
    fn take_turns(&self, queue: &Queue, mut role: Role) -> ThreadEnd {
        loop {
            role = match role {
                Role::Reader if self.read_into(queue) => {
                    queue.close();
                    return ThreadEnd::Told(role);
                }
                Role::Reader => Role::Server,
                Role::Server => match queue.take() {
                    Task::Serve(event) => {
                        self.serve_one(&event, &[], None, &mut None);
                        queue.has_served();
                        role
                    }
                    Task::Read => Role::Reader,
                    Task::Leave => return ThreadEnd::Told(role),
                },
            };
            if matches!(role, Role::Server) && self.readers.leave_if_surplus() {
                return ThreadEnd::Surplus;
            }
        }
    }

    /// Reads until it is told to leave, or until another thread reads instead. Whether it was told.
    fn read_into(&self, queue: &Queue) -> bool {
        let reads = Cell::new(true);
        let serve = |events: &[Event]| {
            let mut rest = events;
            while let [event, behind @ ..] = rest {
                // Where no other thread serves, none could read instead of this one.
                if !reads.get() || self.readers.serving() == 0 || !queue.reader_may_serve() {
                    return queue.put(rest);
                }
                self.serve_one(event, &[], None, &mut None);
                reads.set(queue.reader_has_served());
                rest = behind;
            }
        };
        read(self.shared, self.readers, || !reads.get(), serve)
    }

    /// Serves an event. Whether those that come next were left to other threads.
    #[inline(always)]
    fn serve_one<'b>(
        &'b self,
        event: &Event,
        rest: &[Event],
        deferred: Option<&Deferred<'_>>,
        kept: &mut Option<LockedVma<'b>>,
    ) -> bool {
        let batch = Batch::new(self.readers.serving() == 1, rest, deferred);
        self.serve(event, &batch, kept);
        batch.rest_is_left()
    }
}

/// Reads events until it is told to leave, or is surplus. Whether it was told.
fn read(
    shared: &Arc<Shared>,
    readers: &Readers,
    is_surplus: impl Fn() -> bool,
    mut each: impl FnMut(&[Event]),
) -> bool {
    let mut events = [Event::default(); BATCH];
    // If a read may bring more than one event, the kernel looks for the next one, and that costs something where there is
    // none. So whole batches are asked for only after one read has brought several events, and now and then.
    let (mut reads, mut whole_batches) = (0_u32, 0_u32);
    loop {
        let wanted = if whole_batches != 0 || reads % EVERY == 0 { BATCH } else { 1 };
        match readers.uffd().read(events.get_mut(..wanted).unwrap_or_default()) {
            Ok(read) => {
                reads = reads.wrapping_add(1);
                whole_batches = if read.count > 1 { WHOLE_BATCHES } else { whole_batches.saturating_sub(1) };
                each(events.get(..read.count).unwrap_or_default());
                if read.leave {
                    return true;
                }
                if is_surplus() {
                    return false;
                }
            }
            Err(RawErrno::INTR | RawErrno::AGAIN) => {}
            Err(errno) => {
                shared.cannot_read(readers.uffd(), errno);
                return true;
            }
        }
    }
}
