//! Who has something mapped: what drivers count with `open` and `close` (`vb2_common_vm_ops` in
//! `drivers/media/common/videobuf2/videobuf2-memops.c` is the best known), written once.
//!
//! In C each driver raises its count in the mmap hook, in `open` and nowhere else, lowers it in `close`, and must not
//! forget to lower it when the mmap hook fails after all. Here `open` is told of every VMA, and `close` of each that
//! `open` was told of. What is left to count is a mapping that is being made, from before its hook gives up the
//! driver's lock until `open` is told of it.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    /// Whether `open` was told of a VMA. The first is counted from when this is made.
    opened: AtomicBool,
}

impl<P: Platform, T: Used> User<P, T> {
    /// One more user.
    pub fn new(of: P::Ref<T>) -> Self {
        let user = Self { of, opened: AtomicBool::new(false) };
        user.comes();
        user
    }

    fn comes(&self) {
        self.of.users().0.fetch_add(1, Ordering::AcqRel);
    }

    fn goes(&self) {
        self.of.users().0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<P: Platform, T: Used> VmOperations for User<P, T> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|user: &Self, _| {
            if user.opened.swap(true, Ordering::AcqRel) {
                user.comes();
            }
            Ok(())
        })
        .close(|user: &Self, _| user.goes());
}

impl<P: Platform, T: Used> Drop for User<P, T> {
    fn drop(&mut self) {
        // The mapping did not come about.
        if !*self.opened.get_mut() {
            self.goes();
        }
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
    fn a_mapping_that_does_not_come_about_is_counted_until_it_is_dropped() {
        let machine = Machine::new();
        let thing = Sim::share(Thing(Users::new()), machine.may_sleep()).unwrap();
        let (first, second) = (User::<Sim, _>::new(thing.clone()), User::<Sim, _>::new(thing.clone()));
        assert_eq!(thing.users().count(), 2);
        drop(first);
        assert_eq!(thing.users().count(), 1);
        drop(second);
        assert_eq!(thing.users().count(), 0);
    }
}
