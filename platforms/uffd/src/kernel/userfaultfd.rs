//! A userfaultfd: what is registered with it, the events that are read from it, and how a reader is told to leave.

use std::{
    mem::{ManuallyDrop, MaybeUninit},
    ops::Range,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::io::{self, DupFlags};

use crate::error::{OpenError, RawErrno};

use super::{
    clock::ReadAt,
    event::Event,
    home::Home,
    ioctl::{
        self, CONTINUE_DONTWAKE, CONTINUE_WP, EVENT_PAGEFAULT, FAULT_WP, FAULT_WRITE, Filled, MODE_MINOR, MODE_MISSING,
        MODE_WP, PROTECT_DONTWAKE, PROTECT_WP, UffdMsg,
    },
    open::{self, Opened, Purpose},
    queue::Queue,
    signals,
    sys::{self, PAGE_SIZE},
};

/// What a read has brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadEvents {
    /// How many page faults.
    pub(crate) count: usize,
    /// The reader is [told to leave](Userfaultfd::tell_to_leave).
    pub(crate) leave: bool,
}

/// How many events are read in one go.
pub(crate) const BATCH: usize = 16;

/// How a reader that sleeps in the kernel is told to leave.
enum LeaveSignal {
    /// There is no reader.
    None,
    /// A page that is registered and never mapped for long: somebody touches it, and that is an event. So a read needs no
    /// second look at another descriptor.
    Page(usize),
    /// An eventfd, which is polled before each read: for a userfaultfd that is another process's, where no page can be
    /// touched, and for one that only moves are read from, because a touch is a SIGBUS there.
    EventFd(OwnedFd),
}

impl Drop for LeaveSignal {
    fn drop(&mut self) {
        if let Self::Page(page) = self {
            // SAFETY: this signal's own page, which nobody touches any more.
            unsafe { sys::unmap(&(*page..*page + PAGE_SIZE)) };
        }
    }
}

/// Which readers are told to leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    One,
    All,
}

/// A userfaultfd, with the features of its purpose switched on.
pub(crate) struct Userfaultfd {
    fd: OwnedFd,
    user_mode_only: bool,
    wp_async: bool,
    leave: LeaveSignal,
    /// Where events are left to other threads by the one that reads them, if it is told of moves.
    queue: Option<Queue>,
    /// It works on the memory of the process that has opened it, or adopted it; a child of fork has it, too.
    home: Home,
    /// Nothing of that memory is this userfaultfd's any more. The kernel would carry requests out all the same, at addresses
    /// that are registered with another one by then.
    left: Arc<AtomicBool>,
}

impl Userfaultfd {
    /// Opens one for this process.
    pub(crate) fn open(purpose: Purpose) -> Result<Self, OpenError> {
        let refused = OpenError::refused;
        let Opened { fd, user_mode_only, wp_async } = open::userfaultfd(purpose)?;
        let home = Home::here().map_err(refused)?;
        if purpose.in_thread {
            if purpose.moves {
                return Self::adopt(fd, user_mode_only, true).map_err(refused);
            }
            let (leave, left) = (LeaveSignal::None, Arc::default());
            return Ok(Self { fd, user_mode_only, wp_async, leave, queue: None, home, left });
        }
        let page = sys::anonymous_page().map_err(refused)?;
        let queue = purpose.moves.then(Queue::default);
        let (leave, left) = (LeaveSignal::Page(page), Arc::default());
        let opened = Self { fd, user_mode_only, wp_async, leave, queue, home, left };
        ioctl::register(&opened.fd, &(page..page + PAGE_SIZE), MODE_MISSING).map_err(refused)?;
        Ok(opened)
    }

    /// Takes over one that was [opened](open::userfaultfd), by this process or by another one. It may be told of moves.
    pub(crate) fn adopt(fd: OwnedFd, user_mode_only: bool, moves: bool) -> Result<Self, RawErrno> {
        let leave = LeaveSignal::EventFd(sys::event_fd()?);
        sys::set_nonblocking(&fd)?;
        let queue = moves.then(Queue::default);
        Ok(Self { fd, user_mode_only, wp_async: false, leave, queue, home: Home::here()?, left: Arc::default() })
    }

    /// The same, of a process that may have left since: then no request is made any more.
    pub(crate) fn until(self, left: Arc<AtomicBool>) -> Self {
        Self { left, ..self }
    }

    /// ESRCH where no request may be made.
    #[inline]
    fn check(&self) -> Result<(), RawErrno> {
        self.home.check()?;
        if self.left.load(Ordering::Acquire) { Err(RawErrno::SRCH) } else { Ok(()) }
    }

    /// The descriptor, or ESRCH in a child of fork, which must not use it.
    #[inline]
    pub(crate) fn fd(&self) -> Result<&OwnedFd, RawErrno> {
        self.check()?;
        Ok(&self.fd)
    }

    /// What becomes readable when the readers are [told to leave](Self::tell_to_leave), if it is a descriptor.
    pub(crate) fn leave_fd(&self) -> Option<&OwnedFd> {
        match &self.leave {
            LeaveSignal::EventFd(leave) => Some(leave),
            LeaveSignal::None | LeaveSignal::Page(_) => None,
        }
    }

    /// Where the thread that reads leaves events to others, if the userfaultfd is told of moves.
    pub(crate) fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    /// Whether anybody reads its events.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self.leave, LeaveSignal::None)
    }

    /// Whether the kernel takes write protections away by itself when somebody stores, and tells nobody.
    pub(crate) fn is_wp_async(&self) -> bool {
        self.wp_async
    }

    /// Whether only accesses from user mode are served: system calls that meet an empty page fail with EFAULT.
    pub(crate) fn is_user_mode_only(&self) -> bool {
        self.user_mode_only
    }

    /// Closes it while others still hold this value: their requests fail from now on. `other` takes its number, so that
    /// the number never means a descriptor that somebody opens later.
    pub(crate) fn close(&self, other: &OwnedFd) {
        // SAFETY: only the number is used, and it stays this one's.
        let mut own = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.fd.as_raw_fd()) });
        // Nothing is left to be done if it fails.
        let _ = io::dup3(other, &mut own, DupFlags::CLOEXEC);
    }

    /// Faults of this memory are events of this userfaultfd from now on.
    pub(crate) fn register(&self, range: &Range<usize>, write_protects: bool) -> Result<(), RawErrno> {
        self.check()?;
        let mode = MODE_MISSING | MODE_MINOR | if write_protects { MODE_WP } else { 0 };
        ioctl::register(&self.fd, range, mode)
    }

    /// The same for private memory that has nothing behind it, of which no fault is for a page that a memory object has.
    pub(crate) fn register_private(&self, range: &Range<usize>, write_protects: bool) -> Result<(), RawErrno> {
        self.check()?;
        ioctl::register(&self.fd, range, MODE_MISSING | if write_protects { MODE_WP } else { 0 })
    }

    /// Maps the kernel's zero page. Wakes whoever waits.
    pub(crate) fn map_zero_page(&self, range: &Range<usize>) -> Filled {
        if let Err(errno) = self.check() {
            return Filled { done: 0, result: Err(errno) };
        }
        ioctl::map_zero_page(&self.fd, range)
    }

    /// Maps pages that the memory object has. Wakes whoever waits for them, unless faults are served by the threads that
    /// have them: then nobody waits.
    #[inline]
    pub(crate) fn map_existing(&self, range: &Range<usize>, protected: bool) -> Filled {
        let wake = if self.is_read() { 0 } else { CONTINUE_DONTWAKE };
        if let Err(errno) = self.check() {
            return Filled { done: 0, result: Err(errno) };
        }
        ioctl::map_existing(&self.fd, range, wake | if protected { CONTINUE_WP } else { 0 })
    }

    /// Makes every access a SIGBUS where nothing is mapped. Wakes whoever waits.
    pub(crate) fn poison(&self, range: &Range<usize>) -> Filled {
        if let Err(errno) = self.check() {
            return Filled { done: 0, result: Err(errno) };
        }
        ioctl::poison(&self.fd, range)
    }

    /// Write-protects what is mapped.
    pub(crate) fn write_protect(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        self.check()?;
        ioctl::write_protect(&self.fd, range, PROTECT_WP)
    }

    /// Takes the write protection away, and wakes whoever waits to store if `wake`.
    pub(crate) fn unprotect(&self, range: &Range<usize>, wake: bool) -> Result<(), RawErrno> {
        self.check()?;
        ioctl::write_protect(&self.fd, range, if wake { 0 } else { PROTECT_DONTWAKE })
    }

    /// Has whoever waits there repeat the access. Fails only for a range that is none.
    pub(crate) fn wake(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        self.check()?;
        ioctl::wake(&self.fd, range)
    }

    /// Sleeps until there are faults or the reader is told to leave, and takes as many faults as there is room for.
    #[inline(always)]
    pub(crate) fn read(&self, events: &mut [Event]) -> Result<ReadEvents, RawErrno> {
        let mut read = ReadEvents::default();
        if let LeaveSignal::EventFd(leave) = &self.leave {
            read.leave = sys::poll_two(&self.fd, leave)?;
            if read.leave {
                return Ok(read);
            }
        }
        let mut raw = [const { MaybeUninit::<UffdMsg>::uninit() }; BATCH];
        let room = events.len().min(BATCH) * size_of::<UffdMsg>();
        // SAFETY: the buffer, or a part of it; a byte of it may be uninitialised.
        let buffer = unsafe { slice::from_raw_parts_mut(raw.as_mut_ptr().cast::<MaybeUninit<u8>>(), room) };
        let (bytes, read_at) = ReadAt::of(|| {
            let (filled, _) = io::read(&self.fd, buffer)?;
            #[cfg(test)]
            super::failing::has_read();
            Ok::<_, RawErrno>(filled.len())
        })?;
        let leave_page = if let LeaveSignal::Page(page) = self.leave { Some(page) } else { None };
        for msg in raw.get(..bytes / size_of::<UffdMsg>()).unwrap_or_default() {
            // SAFETY: the kernel has written so many; any bytes are a `UffdMsg`.
            let UffdMsg { event, flags, address, thread, .. } = *unsafe { msg.assume_init_ref() };
            let address = usize::try_from(address).unwrap_or(0);
            if event != EVENT_PAGEFAULT {
                // A mapping was moved. Whoever moved it waited only until this was read.
            } else if leave_page == Some(sys::page_of(address).start) {
                read.leave = true;
            } else if let Some(event) = events.get_mut(read.count) {
                let (write, protected) = (flags & FAULT_WRITE != 0, flags & FAULT_WP != 0);
                *event = Event { address, write, protected, thread, read_at };
                read.count += 1;
            }
        }
        Ok(read)
    }

    /// Readers are about to be [told to leave](Self::tell_to_leave). There is one: if it ends by itself from now on, it
    /// [acknowledges](Self::acknowledge_leave) what it is told after that.
    pub(crate) fn prepare_to_tell(&self) {
        if let LeaveSignal::Page(page) = self.leave {
            // SAFETY: this signal's own page, which nobody uses for anything else.
            let _ = unsafe { sys::zap(&(page..page + PAGE_SIZE)) };
        }
    }

    /// Tells readers to leave, after that was [prepared](Self::prepare_to_tell). Where only one of them hears it, this
    /// returns when that one has [acknowledged](Self::acknowledge_leave) it.
    pub(crate) fn tell_to_leave(&self) -> Told {
        match &self.leave {
            LeaveSignal::Page(page) => {
                // SAFETY: as above.
                unsafe { signals::touch(*page) };
                Told::One
            }
            LeaveSignal::EventFd(leave) => {
                sys::notify(leave);
                Told::All
            }
            LeaveSignal::None => Told::All,
        }
    }

    /// Lets whoever tells a reader to leave go on.
    pub(crate) fn acknowledge_leave(&self) {
        let LeaveSignal::Page(page) = self.leave else { return };
        let range = page..page + PAGE_SIZE;
        loop {
            match ioctl::map_zero_page(&self.fd, &range).result {
                Ok(()) => break,
                // There is no memory at the moment. If this gave up, whoever waits would wait for ever.
                Err(RawErrno::NOMEM | RawErrno::AGAIN) => thread::yield_now(),
                // It is there already, or the process has gone.
                Err(_) => {
                    let _ = ioctl::wake(&self.fd, &range);
                    break;
                }
            }
        }
    }
}
