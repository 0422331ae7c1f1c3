//! What the threads that serve a peer share.

use std::{
    hint,
    ops::{ControlFlow, Range},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use vmctx_hosted::mmap_lock::MmapLock;

use vmctx_hosted::queue::Sleepers;

use crate::{
    error::{KernelError, RawErrno, SessionError},
    kernel::{
        memory_probe::MemoryProbe,
        messages::{self, Life, MOST, Message, Polled},
        sys,
    },
    serve::{readers::Readers, refaults::Refaults},
};

use super::{
    adopted::Adopted,
    event::{Backlog, Event},
    statistics::count,
    target::{self, Target},
};

/// How often a request is made again at once while the peer changes its mappings. Then there is a pause of a millisecond
/// before each try: the peer may have been stopped in the middle of it.
const AT_ONCE: usize = 1000;

/// The pause before something is tried again that only others can change.
const PAUSE: Duration = Duration::from_millis(1);

/// How the service of a peer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEnd {
    /// The peer has gone: its process has ended, or runs another program.
    Gone,
    /// [`Peer::stop`](super::peer::Peer::stop) was called, or the [`Peer`](super::peer::Peer) dropped.
    Stopped,
    /// Faults cannot be read any more. Whoever touches what is missing gets a SIGBUS.
    Unreadable(KernelError),
}

/// What the threads that serve a peer share.
pub(crate) struct Shared {
    pub(crate) target: Arc<Target>,
    pub(crate) readers: Readers,
    /// The VMAs, which stay as they are until the end, and the mmap lock.
    pub(crate) space: Arc<MmapLock<Adopted>>,
    /// What tells when the peer has gone.
    life: Option<Life>,
    /// Whether the end of its socket is still to be noticed.
    listens: AtomicBool,
    /// What tells whether its memory is there; `None` without addresses for that.
    probe: Option<MemoryProbe>,
    /// Makes room for the descriptor that comes when the peer forks. Without that neither it nor its child would go on.
    room: Mutex<Option<OwnedFd>>,
    pub(crate) stopping: AtomicBool,
    end: Mutex<Option<PeerEnd>>,
    ended: Condvar,
    errors: Mutex<Vec<SessionError>>,
    pub(crate) sleepers: Sleepers,
    pub(crate) refaults: Refaults,
}

impl Shared {
    pub(crate) fn new(target: Arc<Target>, readers: Readers, life: Option<Life>, refaults: usize) -> Self {
        Self {
            target,
            readers,
            space: Arc::default(),
            life,
            listens: AtomicBool::new(true),
            probe: MemoryProbe::new().ok(),
            room: Mutex::new(sys::event_fd().ok()),
            stopping: AtomicBool::new(false),
            end: Mutex::default(),
            ended: Condvar::new(),
            errors: Mutex::default(),
            sleepers: Sleepers::default(),
            refaults: Refaults::new(refaults),
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether nobody is left for whom a hook could wait.
    pub(crate) fn is_over(&self) -> bool {
        self.is_stopping() || self.end.lock().is_some()
    }

    pub(crate) fn end(&self) -> Option<PeerEnd> {
        *self.end.lock()
    }

    /// The first end is the end.
    pub(crate) fn note_end(&self, end: PeerEnd) {
        self.end.lock().get_or_insert(end);
        self.ended.notify_all();
        self.sleepers.nudge_all();
        self.readers.uffd().tell_to_leave();
    }

    /// Waits for the end.
    pub(crate) fn wait_for_end(&self) -> PeerEnd {
        let mut end = self.end.lock();
        loop {
            if let Some(end) = *end {
                return end;
            }
            self.ended.wait(&mut end);
        }
    }

    pub(crate) fn report(&self, error: SessionError) {
        let mut errors = self.errors.lock();
        // What goes wrong again and again fills no more memory than this.
        if errors.len() < 1000 {
            errors.push(error);
        }
    }

    pub(crate) fn take_errors(&self) -> Vec<SessionError> {
        std::mem::take(&mut *self.errors.lock())
    }

    /// Sleeps until there are messages, or something else to be done.
    pub(crate) fn poll(&self) -> Result<Polled, RawErrno> {
        let uffd = self.target.uffd.fd()?;
        let leave = self.target.uffd.leave_fd().ok_or(RawErrno::BADF)?;
        messages::poll(uffd, leave, self.life.as_ref(), self.listens.load(Ordering::Relaxed))
    }

    /// The peer has closed its socket: of its own will, or because it runs another program, and has other memory.
    pub(crate) fn note_hang_up(&self) {
        self.listens.store(false, Ordering::Relaxed);
        if let (Ok(uffd), Some(probe)) = (self.target.uffd.fd(), &self.probe) {
            if probe.goes(uffd) {
                self.note_end(PeerEnd::Gone);
            }
        }
    }

    /// Takes messages that are there. Faults go to the backlog; what the peer does to its addresses is done here, before
    /// anything is copied again. EAGAIN if there are none, and if there is no descriptor for what is there.
    #[inline]
    pub(crate) fn read(&self, wanted: usize, backlog: &Backlog) -> Result<usize, RawErrno> {
        match self.read_messages(wanted, backlog) {
            Err(RawErrno::MFILE | RawErrno::NFILE) => self.read_with_room(wanted, backlog),
            read => read,
        }
    }

    /// The same, where there was no descriptor left.
    #[cold]
    fn read_with_room(&self, wanted: usize, backlog: &Backlog) -> Result<usize, RawErrno> {
        let mut room = self.room.lock();
        *room = None;
        let read = self.read_messages(wanted, backlog);
        // By now the descriptor that has come is closed again.
        *room = sys::event_fd().ok();
        drop(room);
        if !matches!(read, Err(RawErrno::MFILE | RawErrno::NFILE)) {
            return read;
        }
        // Somebody else has taken it, and may give it back.
        thread::sleep(PAUSE);
        Err(RawErrno::AGAIN)
    }

    #[inline]
    fn read_messages(&self, wanted: usize, backlog: &Backlog) -> Result<usize, RawErrno> {
        let fd = self.target.uffd.fd()?;
        let mut backlog = backlog.borrow_mut();
        let mut children = Vec::new();
        let before = backlog.len();
        let mut places = self.target.places.write();
        let read = messages::read(fd, wanted, |message| match message {
            Message::Fault { address, write, why } => {
                backlog.push_back(Event { now: address, first: None, write, why });
            }
            Message::Removed(now) => self.target.note_removed(&places, &now),
            Message::Unmapped(now) => {
                places.unmap(&now);
                count(&self.target.counters.unmapped);
            }
            Message::Moved { from, to } => {
                places.remap(&from, to);
                count(&self.target.counters.moved);
            }
            Message::Forked(child) => children.push(child),
            Message::Unknown => {}
        });
        // Where they were at first is looked up when all is known that was read with them.
        for event in backlog.iter_mut().skip(before) {
            event.first = places.first_of(event.now);
        }
        let all: Vec<Range<usize>> = if children.is_empty() { Vec::new() } else { places.all().collect() };
        drop(places);
        for child in children {
            count(&self.target.counters.forks);
            // If that fails the child waits for ever where nothing is.
            let _ = target::close_off(child, all.clone());
        }
        read
    }

    /// The peer changes its mappings: reads what it says of that, without which nothing can be copied. `false` if it is
    /// nobody's business any more.
    pub(crate) fn let_it_change(&self, tries: &mut usize, backlog: &Backlog) -> ControlFlow<()> {
        // What cannot be read now is read, or reported, by the loop that reads.
        if self.read(MOST, backlog).is_ok() {
            // It goes on, and is soon done with that. It may change its mappings again at once: who waits here for longer
            // than that takes finds it in the middle of the next change, and of each one after that.
            *tries = 0;
        }
        *tries += 1;
        if *tries < AT_ONCE {
            hint::spin_loop();
        } else {
            thread::sleep(PAUSE);
        }
        if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
