//! userfaultfd: its requests, which `libc` lacks, and its events.
//!
//! Structures and numbers are those of `include/uapi/linux/userfaultfd.h`. Each size is asserted, and so are the request
//! numbers, into which it goes.

use std::{
    ffi::c_void,
    mem::{ManuallyDrop, MaybeUninit, offset_of},
    ops::Range,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr, slice,
};

use rustix::{
    fs::{self, Mode, OFlags},
    io::{self, DupFlags},
    ioctl::{self, Ioctl, IoctlOutput, Opcode, Updater, opcode},
    mm::{self, UserfaultfdFlags},
};

use super::{
    error::{Attempt, KernelError, OpenError},
    probe,
    sys::{self, PAGE_SIZE, RawErrno},
    watch,
};

const API: u8 = 0xaa;
/// `UFFD_USER_MODE_ONLY`
const USER_MODE_ONLY: UserfaultfdFlags = UserfaultfdFlags::from_bits_retain(1);

/// A `UFFD_FEATURE_*`: its bit, its name, and the first Linux that has it.
type Feature = (u64, &'static str, &'static str);

/// What every session needs.
const FEATURES: [Feature; 5] = [
    (1 << 5, "MISSING_SHMEM", "4.11"),
    (1 << 10, "MINOR_SHMEM", "5.14"),
    (1 << 11, "EXACT_ADDRESS", "5.18"),
    (1 << 12, "WP_HUGETLBFS_SHMEM", "5.19"),
    (1 << 14, "POISON", "6.6"),
];
/// Moving a mapping with `mremap` keeps it registered, and waits until that was read.
const EVENT_REMAP: Feature = (1 << 2, "EVENT_REMAP", "4.11");
/// A fault is a SIGBUS for the thread that has it, and no event.
const SIGBUS: Feature = (1 << 7, "SIGBUS", "4.14");

const MODE_MISSING: u64 = 1;
const MODE_WP: u64 = 1 << 1;
const MODE_MINOR: u64 = 1 << 2;
/// `UFFDIO_CONTINUE_MODE_DONTWAKE`
const CONTINUE_DONTWAKE: u64 = 1;
/// `UFFDIO_CONTINUE_MODE_WP`
const CONTINUE_WP: u64 = 1 << 1;
/// `UFFDIO_WRITEPROTECT_MODE_WP`
const PROTECT_WP: u64 = 1;
/// `UFFDIO_WRITEPROTECT_MODE_DONTWAKE`
const PROTECT_DONTWAKE: u64 = 1 << 1;

const EVENT_PAGEFAULT: u8 = 0x12;
const FAULT_WRITE: u64 = 1;
const FAULT_WP: u64 = 1 << 1;

#[repr(C)]
struct UffdioApi {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct UffdioRange {
    start: u64,
    len: u64,
}

#[repr(C)]
struct UffdioRegister {
    range: UffdioRange,
    mode: u64,
    ioctls: u64,
}

/// `uffdio_zeropage`, `uffdio_continue` and `uffdio_poison` have one layout.
#[repr(C)]
struct UffdioFill {
    range: UffdioRange,
    mode: u64,
    done: i64,
}

#[repr(C)]
struct UffdioWriteprotect {
    range: UffdioRange,
    mode: u64,
}

/// `struct uffd_msg` of a page fault.
#[repr(C)]
#[derive(Clone, Copy)]
struct UffdMsg {
    event: u8,
    reserved1: u8,
    reserved2: u16,
    reserved3: u32,
    flags: u64,
    address: u64,
    thread: u64,
}

const _: () = assert!(size_of::<UffdioApi>() == 24);
const _: () = assert!(size_of::<UffdioRange>() == 16);
const _: () = assert!(size_of::<UffdioRegister>() == 32);
const _: () = assert!(size_of::<UffdioFill>() == 32 && offset_of!(UffdioFill, done) == 24);
const _: () = assert!(size_of::<UffdioWriteprotect>() == 24);
const _: () = assert!(size_of::<UffdMsg>() == 32 && offset_of!(UffdMsg, address) == 16);

const UFFDIO_API: Opcode = opcode::read_write::<UffdioApi>(API, 0x3f);
const UFFDIO_REGISTER: Opcode = opcode::read_write::<UffdioRegister>(API, 0x00);
const UFFDIO_WAKE: Opcode = opcode::read::<UffdioRange>(API, 0x02);
const UFFDIO_ZEROPAGE: Opcode = opcode::read_write::<UffdioFill>(API, 0x04);
const UFFDIO_WRITEPROTECT: Opcode = opcode::read_write::<UffdioWriteprotect>(API, 0x06);
const UFFDIO_CONTINUE: Opcode = opcode::read_write::<UffdioFill>(API, 0x07);
const UFFDIO_POISON: Opcode = opcode::read_write::<UffdioFill>(API, 0x08);
/// `USERFAULTFD_IOC_NEW` of `/dev/userfaultfd`.
const USERFAULTFD_IOC_NEW: Opcode = opcode::none(API, 0x00);

const _: () = assert!(UFFDIO_API == 0xc018_aa3f && UFFDIO_REGISTER == 0xc020_aa00 && UFFDIO_WAKE == 0x8010_aa02);
const _: () = assert!(UFFDIO_CONTINUE == 0xc020_aa07 && UFFDIO_POISON == 0xc020_aa08);
const _: () = assert!(UFFDIO_ZEROPAGE == 0xc020_aa04 && UFFDIO_WRITEPROTECT == 0xc018_aa06);

/// A page fault that waits to be served.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    /// With all its bits.
    pub(super) address: usize,
    pub(super) write: bool,
    /// A store met a page that is write-protected. Else nothing was mapped.
    pub(super) protected: bool,
    /// [`watch::tick`] when it was read: what was served since then may have been served for it.
    pub(super) since: u64,
}

/// What a read has found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// How many events.
    pub(super) events: usize,
    /// Somebody [rings](Userfault::ring).
    pub(super) bell: bool,
}

/// What a request did that works page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// Bytes, from the start, that are done.
    pub(super) done: usize,
    pub(super) result: Result<(), RawErrno>,
}

/// How many events are read in one go.
pub(super) const BATCH: usize = 16;

/// How a reader that sleeps in the kernel is told to look up.
enum Bell {
    /// Nobody reads.
    None,
    /// A page that is registered and never mapped for long: a touch of it is an event. Costs a read nothing.
    Page(usize),
    /// An eventfd, looked at before each read: where no page can be registered whose touch would be an event.
    Descriptor(OwnedFd),
}

impl Drop for Bell {
    fn drop(&mut self) {
        if let Self::Page(page) = self {
            // SAFETY: this bell's page, which nobody touches any more.
            unsafe { sys::unmap(&(*page..*page + PAGE_SIZE)) };
        }
    }
}

/// Who hears a bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    One,
    All,
}

/// What a userfaultfd is for, beside the features that all have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purpose {
    /// Mappings are moved into place, and not made there.
    pub(super) moves: bool,
    /// Faults are served by the thread that has them.
    pub(super) in_thread: bool,
}

impl Purpose {
    fn features(self) -> impl Iterator<Item = Feature> {
        let more = [(self.moves, EVENT_REMAP), (self.in_thread, SIGBUS)];
        FEATURES.into_iter().chain(more.into_iter().filter_map(|(wanted, feature)| wanted.then_some(feature)))
    }

    /// Whether a kernel with these has all that it takes.
    fn check(self, there: u64) -> Result<(), OpenError> {
        match self.features().find(|(bit, ..)| there & bit == 0) {
            Some((_, name, since)) => Err(OpenError::MissingFeature { name, since }),
            None => Ok(()),
        }
    }
}

/// A userfaultfd, with the features of its purpose switched on.
pub(super) struct Userfault {
    fd: OwnedFd,
    user_mode_only: bool,
    bell: Bell,
}

impl Userfault {
    /// One for this process, by the first of the three ways that works.
    pub(super) fn open(purpose: Purpose) -> Result<Self, OpenError> {
        let refused = |errno| OpenError::Refused(KernelError::from(errno));
        let (fd, user_mode_only) = open_fd(purpose)?;
        if purpose.moves {
            return Self::adopt(fd, user_mode_only).map_err(refused);
        }
        if purpose.in_thread {
            return Ok(Self { fd, user_mode_only, bell: Bell::None });
        }
        let page = sys::anonymous_page().map_err(refused)?;
        let opened = Self { fd, user_mode_only, bell: Bell::Page(page) };
        let mut register = UffdioRegister { range: raw(&(page..page + PAGE_SIZE)), mode: MODE_MISSING, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { request::<UFFDIO_REGISTER, _>(&opened.fd, &mut register) }.map_err(refused)?;
        Ok(opened)
    }

    /// One from [`open_fd`], of this process or of another one.
    pub(super) fn adopt(fd: OwnedFd, user_mode_only: bool) -> Result<Self, RawErrno> {
        let bell = Bell::Descriptor(sys::event_fd()?);
        sys::set_nonblocking(&fd)?;
        Ok(Self { fd, user_mode_only, bell })
    }

    /// Whether anybody reads its events.
    pub(super) fn is_read(&self) -> bool {
        !matches!(self.bell, Bell::None)
    }

    /// Whether only user-mode accesses are served: system calls that meet an empty page fail with EFAULT.
    pub(super) fn is_user_mode_only(&self) -> bool {
        self.user_mode_only
    }

    /// Closes it, whoever has it: from now on every request fails. Another descriptor takes its number.
    pub(super) fn close(&self, other: &OwnedFd) {
        // SAFETY: a number only, which stays this one's.
        let mut own = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.fd.as_raw_fd()) });
        // Nobody reads any more.
        let _ = io::dup3(other, &mut own, DupFlags::CLOEXEC);
    }

    /// From now on faults of this memory come here.
    pub(super) fn register(&self, range: &Range<usize>, told_of_stores: bool) -> Result<(), RawErrno> {
        let mode = MODE_MISSING | MODE_MINOR | if told_of_stores { MODE_WP } else { 0 };
        let mut register = UffdioRegister { range: raw(range), mode, ioctls: 0 };
        // SAFETY: the structure is the request's.
        unsafe { request::<UFFDIO_REGISTER, _>(&self.fd, &mut register) }
    }

    /// Maps pages that the memory object has. Wakes who waits for them, if anybody can.
    #[inline]
    pub(super) fn map_existing(&self, range: &Range<usize>, protected: bool) -> Filled {
        let wake = if self.is_read() { 0 } else { CONTINUE_DONTWAKE };
        self.fill::<UFFDIO_CONTINUE>(range, wake | if protected { CONTINUE_WP } else { 0 })
    }

    /// Makes every access a SIGBUS where nothing is mapped. Wakes who waits.
    pub(super) fn poison(&self, range: &Range<usize>) -> Filled {
        self.fill::<UFFDIO_POISON>(range, 0)
    }

    #[inline]
    fn fill<const REQUEST: Opcode>(&self, range: &Range<usize>, mode: u64) -> Filled {
        let mut fill = UffdioFill { range: raw(range), mode, done: 0 };
        // SAFETY: the structure is the request's.
        let result = unsafe { request::<REQUEST, _>(&self.fd, &mut fill) };
        // On a failure with nothing done the kernel writes the error number, or on older ones nothing.
        Filled { done: usize::try_from(fill.done).unwrap_or(0).min(range.len()), result }
    }

    /// Write-protects what is mapped, or takes the protection away. The latter wakes who waits, if `wake`.
    pub(super) fn write_protect(&self, range: &Range<usize>, protect: bool, wake: bool) -> Result<(), RawErrno> {
        let mode = match (protect, wake) {
            (true, _) => PROTECT_WP,
            (false, true) => 0,
            (false, false) => PROTECT_DONTWAKE,
        };
        let mut protect = UffdioWriteprotect { range: raw(range), mode };
        // SAFETY: the structure is the request's.
        unsafe { request::<UFFDIO_WRITEPROTECT, _>(&self.fd, &mut protect) }
    }

    /// Has whoever waits there repeat the access.
    pub(super) fn wake(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        wake(&self.fd, range)
    }

    /// Sleeps until there are faults or somebody rings, and takes as many faults as there is room for.
    #[inline(always)]
    pub(super) fn read(&self, events: &mut [Event]) -> Result<Heard, RawErrno> {
        let mut heard = Heard::default();
        if let Bell::Descriptor(bell) = &self.bell {
            heard.bell = sys::poll_two(&self.fd, bell)?;
            if heard.bell {
                return Ok(heard);
            }
        }
        let mut raw = [const { MaybeUninit::<UffdMsg>::uninit() }; BATCH];
        let room = events.len().min(BATCH) * size_of::<UffdMsg>();
        // SAFETY: the buffer, or a part of it; bytes may be there or not.
        let buffer = unsafe { slice::from_raw_parts_mut(raw.as_mut_ptr().cast::<MaybeUninit<u8>>(), room) };
        let (read, _) = io::read(&self.fd, buffer)?;
        let bytes = read.len();
        let since = watch::tick();
        let bell = if let Bell::Page(page) = self.bell { Some(page) } else { None };
        for msg in raw.get(..bytes / size_of::<UffdMsg>()).unwrap_or_default() {
            // SAFETY: the kernel has written so many; any bytes are a `UffdMsg`.
            let UffdMsg { event, flags, address, .. } = *unsafe { msg.assume_init_ref() };
            let address = usize::try_from(address).unwrap_or(0);
            if event != EVENT_PAGEFAULT {
                // A move, which was only to be read.
            } else if bell == Some(sys::page_of(address).start) {
                heard.bell = true;
            } else if let Some(event) = events.get_mut(heard.events) {
                *event = Event { address, write: flags & FAULT_WRITE != 0, protected: flags & FAULT_WP != 0, since };
                heard.events += 1;
            }
        }
        Ok(heard)
    }

    /// Has readers look up. Where it is one of them, returns when that one [has](Self::answer_bell).
    pub(super) fn ring(&self) -> Audience {
        match &self.bell {
            Bell::Page(page) => {
                let range = *page..*page + PAGE_SIZE;
                // SAFETY: this bell's page, which nobody else uses for anything.
                unsafe {
                    let _ = sys::zap(&range);
                    probe::touch(*page);
                }
                Audience::One
            }
            Bell::Descriptor(bell) => {
                sys::signal(bell);
                Audience::All
            }
            Bell::None => Audience::All,
        }
    }

    /// Lets whoever rings go on.
    pub(super) fn answer_bell(&self) {
        if let Bell::Page(page) = self.bell {
            self.fill::<UFFDIO_ZEROPAGE>(&(page..page + PAGE_SIZE), 0);
        }
    }
}

/// [`Userfault::wake`], for whoever has nothing but a descriptor.
pub(super) fn wake(fd: &OwnedFd, range: &Range<usize>) -> Result<(), RawErrno> {
    let mut range = raw(range);
    // SAFETY: the structure is the request's.
    unsafe { request::<UFFDIO_WAKE, _>(fd, &mut range) }
}

/// Whether a descriptor is a userfaultfd's: nothing else knows a request of its kind.
pub(super) fn is_one(fd: &OwnedFd) -> bool {
    wake(fd, &(0..0)) == Err(RawErrno::INVAL)
}

fn raw(range: &Range<usize>) -> UffdioRange {
    UffdioRange { start: range.start as u64, len: range.len() as u64 }
}

/// A userfaultfd of this process, by the first of the three ways that works, and whether it is for faults of user mode
/// only. Features are looked at on another one before: each takes `UFFDIO_API` once only.
pub(super) fn open_fd(purpose: Purpose) -> Result<(OwnedFd, bool), OpenError> {
    let switch_on = |fd: &OwnedFd, features: u64| {
        let mut api = UffdioApi { api: API.into(), features, ioctls: 0 };
        // SAFETY: the structure is the request's.
        let done = unsafe { request::<UFFDIO_API, _>(fd, &mut api) };
        done.map(|()| api.features).map_err(|errno| OpenError::Refused(errno.into()))
    };
    let (probe, _) = new_fd()?;
    let all = switch_on(&probe, 0)?;
    purpose.check(all)?;
    let (fd, user_mode_only) = new_fd()?;
    switch_on(&fd, purpose.features().fold(0, |bits, (bit, ..)| bits | bit))?;
    Ok((fd, user_mode_only))
}

/// The three ways, in order.
fn new_fd() -> Result<(OwnedFd, bool), OpenError> {
    let device = match open_device() {
        Ok(fd) => return Ok((fd, false)),
        Err(errno) => errno,
    };
    // SAFETY: nothing is registered with it yet.
    let call = |flags| unsafe { mm::userfaultfd(UserfaultfdFlags::CLOEXEC | flags) };
    let any = match call(UserfaultfdFlags::empty()) {
        Ok(fd) => return Ok((fd, false)),
        Err(errno) => errno,
    };
    match call(USER_MODE_ONLY) {
        Ok(fd) => Ok((fd, true)),
        Err(user) => Err(OpenError::NoUserfaultfd(Attempt {
            device: device.into(),
            privileged: any.into(),
            user_mode_only: user.into(),
        })),
    }
}

fn open_device() -> Result<OwnedFd, RawErrno> {
    let device = fs::open("/dev/userfaultfd", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    // SAFETY: the request takes flags, and gives a new descriptor.
    unsafe { ioctl::ioctl(device, NewUserfaultfd) }
}

/// [`USERFAULTFD_IOC_NEW`]
struct NewUserfaultfd;

// SAFETY: as `userfaultfd_dev_ioctl` has it: the argument is a number, and the answer a descriptor.
unsafe impl Ioctl for NewUserfaultfd {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        USERFAULTFD_IOC_NEW
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::without_provenance_mut(OFlags::CLOEXEC.bits() as usize)
    }

    unsafe fn output_from_ptr(answer: IoctlOutput, _: *mut c_void) -> io::Result<OwnedFd> {
        // SAFETY: the kernel has just given it, to nobody else.
        Ok(unsafe { OwnedFd::from_raw_fd(answer) })
    }
}

/// # Safety
/// `argument` is what the request takes.
#[inline]
unsafe fn request<const REQUEST: Opcode, T>(fd: &OwnedFd, argument: &mut T) -> Result<(), RawErrno> {
    // SAFETY: by this function's contract; the kernel keeps no pointer.
    unsafe { ioctl::ioctl(fd, Updater::<REQUEST, T>::new(argument)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_named_and_where_to_find_it() {
        let all = [EVENT_REMAP, SIGBUS].into_iter().chain(FEATURES).fold(0, |bits, (bit, ..)| bits | bit);
        let most = Purpose { moves: true, in_thread: true };
        assert_eq!(most.check(all), Ok(()));
        let error = Purpose::default().check(all & !(1 << 14)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this kernel has no UFFD_FEATURE_POISON: boot Linux 6.6 or later, on x86-64 or AArch64"
        );
        for (bit, name, _) in [EVENT_REMAP, SIGBUS] {
            assert_eq!(Purpose::default().check(all & !bit), Ok(()), "not needed here");
            assert!(
                matches!(most.check(all & !bit), Err(OpenError::MissingFeature { name: missing, .. }) if missing == name)
            );
        }
    }
}
