//! Who has something mapped: what drivers count with `open` and `close` (`vb2_common_vm_ops` in
//! `drivers/media/common/videobuf2/videobuf2-memops.c` is the best known), written once.
//!
//! In C each driver raises its count in the mmap hook, in `open` and nowhere else, lowers it in `close`, and must not
//! forget to lower it when the mmap hook fails after all. Here `open` is told of every VMA, and `close` of each that
//! `open` was told of.

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

    /// How many VMAs show it, of all processes. None, and its memory may be replaced, if the lock is held under which
    /// the mmap hook establishes a [`User`].
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
}

impl<P: Platform, T: Used> User<P, T> {
    /// The state of a mapping of this. It is counted once it is established.
    pub const fn new(of: P::Ref<T>) -> Self {
        Self { of }
    }
}

impl<P: Platform, T: Used> VmOperations for User<P, T> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|user: &Self| {
            user.of.users().0.fetch_add(1, Ordering::AcqRel);
            Ok(())
        })
        .close(|user: &Self| {
            user.of.users().0.fetch_sub(1, Ordering::AcqRel);
        });
}

#[cfg(test)]
mod tests {
    use vmctx::{Errno, Mapped, MmapCtx, MmapFile};
    use vmctx_sim::{Machine, Map, Sim};

    use super::*;

    struct Thing(Users);

    impl Used for Thing {
        fn users(&self) -> &Users {
            &self.0
        }
    }

    struct Device {
        thing: <Sim as Platform>::Ref<Thing>,
        fails: bool,
    }

    impl MmapFile for Device {
        type Platform = Sim;

        fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
            let before = self.thing.users().count();
            let ctx = ctx.writable().establish(User::<Sim, _>::new(self.thing.clone()))?;
            assert_eq!(self.thing.users().count(), before + 1, "counted before the first page can be in");
            if self.fails { Err(Errno::ENXIO) } else { Ok(ctx.fill_later()) }
        }
    }

    #[test]
    fn a_mapping_is_counted_from_its_hook_on_and_one_that_fails_no_longer() {
        let machine = Machine::new();
        let thing = Sim::share(Thing(Users::new()), machine.may_sleep()).unwrap();
        let mmap =
            |fails| machine.process().mmap(&machine.open(Device { thing: thing.clone(), fails }), Map::shared(1));
        assert!(mmap(true).is_err());
        assert_eq!(thing.users().count(), 0);
        let process = machine.process();
        let at = process.mmap(&machine.open(Device { thing: thing.clone(), fails: false }), Map::shared(1)).unwrap();
        assert_eq!(thing.users().count(), 1);
        process.munmap(at, 1).unwrap();
        assert_eq!(thing.users().count(), 0);
    }
}
