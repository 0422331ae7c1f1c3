//! How a userfaultfd is opened: the ways to one, and the features of the kernel's that it needs.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{self, Mode, OFlags},
    mm::{self, UserfaultfdFlags},
};

use crate::error::{Attempt, KernelError, OpenError, RawErrno};

use super::ioctl;

/// `UFFD_USER_MODE_ONLY`
const USER_MODE_ONLY: UserfaultfdFlags = UserfaultfdFlags::from_bits_retain(1);

/// A `UFFD_FEATURE_*`: its bit, its name, and the first Linux that has it.
type Feature = (u64, &'static str, &'static str);

/// What every userfaultfd of a session needs.
const FEATURES: [Feature; 5] = [
    (1 << 5, "MISSING_SHMEM", "4.11"),
    (1 << 10, "MINOR_SHMEM", "5.14"),
    (1 << 11, "EXACT_ADDRESS", "5.18"),
    (1 << 12, "WP_HUGETLBFS_SHMEM", "5.19"),
    (1 << 14, "POISON", "6.6"),
];
/// A mapping that is moved with `mremap` stays registered; whoever moves it waits until that event was read.
const EVENT_REMAP: Feature = (1 << 2, "EVENT_REMAP", "4.11");
/// A fault is a SIGBUS for the thread that has it, and no event.
const SIGBUS: Feature = (1 << 7, "SIGBUS", "4.14");

/// For memory of large pages.
const HUGE: [Feature; 2] = [(1 << 4, "MISSING_HUGETLBFS", "4.11"), (1 << 9, "MINOR_HUGETLBFS", "5.13")];
/// The kernel takes a write protection away by itself when somebody stores, and can be asked where that was
/// (`PAGEMAP_SCAN`).
const WP_ASYNC: u64 = 1 << 15;
/// An event says which thread has the fault.
const THREAD_ID: u64 = 1 << 8;

/// A userfaultfd, as it was opened.
pub(crate) struct Opened {
    pub(crate) fd: OwnedFd,
    /// It is for faults of user mode only.
    pub(crate) user_mode_only: bool,
    /// Its write protections are the kernel's own business, as was asked for.
    pub(crate) wp_async: bool,
}

/// What a userfaultfd is for, beside the features that all have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Purpose {
    /// Mappings are moved into place, and not made there.
    pub(crate) moves: bool,
    /// Faults are served by the thread that has them.
    pub(crate) in_thread: bool,
    /// Faults of system calls are served, and not of user mode only.
    pub(crate) all_faults: bool,
    /// Write protections are the kernel's own business, if it has that.
    pub(crate) wp_async: bool,
    /// The memory has large pages.
    pub(crate) huge: bool,
}

impl Purpose {
    fn features(self) -> impl Iterator<Item = Feature> {
        let more = [(self.moves, EVENT_REMAP), (self.in_thread, SIGBUS)];
        let huge = HUGE.into_iter().filter(move |_| self.huge);
        FEATURES
            .into_iter()
            .chain(huge)
            .chain(more.into_iter().filter_map(|(wanted, feature)| wanted.then_some(feature)))
    }

    /// Whether a kernel with these has all that it takes.
    fn check(self, there: u64) -> Result<(), OpenError> {
        match self.features().find(|(bit, ..)| there & bit == 0) {
            Some((_, name, since)) => Err(OpenError::MissingFeature { name, since }),
            None => Ok(()),
        }
    }
}

/// Opens a userfaultfd of this process.
///
/// The features are looked at on another one before, because each takes `UFFDIO_API` once only.
pub(crate) fn userfaultfd(purpose: Purpose) -> Result<Opened, OpenError> {
    let switch_on = |fd: &OwnedFd, features: u64| ioctl::api(fd, features).map_err(OpenError::refused);
    let (other, _) = new_fd(purpose)?;
    let there = switch_on(&other, 0)?;
    purpose.check(there)?;
    let (fd, user_mode_only) = new_fd(purpose)?;
    let wanted = THREAD_ID | if purpose.wp_async { WP_ASYNC } else { 0 };
    let features = purpose.features().fold(there & wanted, |bits, (bit, ..)| bits | bit);
    switch_on(&fd, features)?;
    Ok(Opened { fd, user_mode_only, wp_async: features & WP_ASYNC != 0 })
}

/// By the first of the three ways that works. Where there is no descriptor to be had, none of them does.
fn new_fd(purpose: Purpose) -> Result<(OwnedFd, bool), OpenError> {
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
        Ok(_) if purpose.all_faults => {
            Err(OpenError::UserModeOnly { device: KernelError::of(device), privileged: KernelError::of(any) })
        }
        Ok(fd) => Ok((fd, true)),
        Err(errno @ (RawErrno::MFILE | RawErrno::NFILE)) => Err(OpenError::refused(errno)),
        Err(user) => Err(OpenError::NoUserfaultfd(Attempt {
            device: KernelError::of(device),
            privileged: KernelError::of(any),
            user_mode_only: KernelError::of(user),
        })),
    }
}

fn open_device() -> Result<OwnedFd, RawErrno> {
    let device = fs::open("/dev/userfaultfd", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    ioctl::new_of_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_named_and_where_to_find_it() {
        let all = [EVENT_REMAP, SIGBUS].into_iter().chain(FEATURES).fold(0, |bits, (bit, ..)| bits | bit);
        let most = Purpose { moves: true, in_thread: true, ..Purpose::default() };
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
