//! Who has something mapped: what drivers count with `open` and `close` (`vb2_common_vm_ops` in
//! `drivers/media/common/videobuf2/videobuf2-memops.c` is the best known), written once.
//!
//! In C each driver raises its count in the mmap hook, in `open` and nowhere else, lowers it in `close`, and must not
//! forget to lower it when the mmap hook fails after all. Here a mapping's state is counted from when it is made until
//! it is dropped, whichever way that comes about.

use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{Hooks, Mixed, Platform, VmOperations};

/// In how many places something is mapped.
#[derive(Debug, Default)]
pub struct Users(AtomicUsize);

impl Users {
    /// Nobody has it mapped.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// How many VMAs show it, of all processes. None, and its memory may be replaced, if the lock is held that the mmap
    /// hook takes before it makes a [`User`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// What counts its users.
pub trait Used: Send + Sync + 'static {
    /// The count.
    fn users(&self) -> &Users;
}

/// The state of a mapping that mmap fills with what is behind `T`: kept alive, and counted.
pub struct User<P: Platform, T: Used> {
    of: P::Ref<T>,
    /// This mapping's part of the count: its VMAs.
    vmas: AtomicUsize,
}

impl<P: Platform, T: Used> User<P, T> {
    /// One more user.
    pub fn new(of: P::Ref<T>) -> Self {
        let user = Self { of, vmas: AtomicUsize::new(0) };
        user.comes();
        user
    }

    fn comes(&self) {
        self.vmas.fetch_add(1, Ordering::AcqRel);
        self.of.users().0.fetch_add(1, Ordering::AcqRel);
    }

    fn go(&self, vmas: usize) {
        self.vmas.fetch_sub(vmas, Ordering::AcqRel);
        self.of.users().0.fetch_sub(vmas, Ordering::AcqRel);
    }
}

impl<P: Platform, T: Used> VmOperations for User<P, T> {
    type Platform = P;
    type Mapping = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|user: &Self, _| {
            user.comes();
            Ok(())
        })
        .close(|user: &Self, _| user.go(1));
}

impl<P: Platform, T: Used> Drop for User<P, T> {
    /// Of a mapping that did not come about, or that nobody was told of.
    fn drop(&mut self) {
        self.go(self.vmas.load(Ordering::Acquire));
    }
}

#[cfg(test)]
mod tests {
    use vmctx_sim::{Machine, Sim};

    use super::*;

    struct Thing(Users);

    impl Used for Thing {
        fn users(&self) -> &Users {
            &self.0
        }
    }

    #[test]
    fn a_user_that_nobody_was_told_of_is_none() {
        let machine = Machine::new();
        let thing = Sim::share(Thing(Users::new()), machine.may_sleep()).unwrap();
        let (first, second) = (User::<Sim, _>::new(thing.clone()), User::<Sim, _>::new(thing.clone()));
        assert_eq!(thing.users().count(), 2);
        drop(first);
        assert_eq!(thing.users().count(), 1);
        // `close` was called for its only VMA, so dropping it must not count that once more.
        second.go(1);
        drop(second);
        assert_eq!(thing.users().count(), 0);
    }
}
