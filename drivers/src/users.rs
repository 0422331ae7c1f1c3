//! Who has something mapped: what drivers count with `open` and `close` (`vb2_common_vm_ops` in
//! `drivers/media/common/videobuf2/videobuf2-memops.c` is the best known), written once.
//!
//! In C each driver raises its count in the mmap hook, in `open` and nowhere else, lowers it in `close`, and must not
//! forget to lower it when the mmap hook fails after all. Here `open` is told of every VMA, and `close` of each that
//! `open` was told of. The state counts as long as `open` has not come yet: who finds something under a lock, and makes
//! the state of a mapping of it, has it counted before he lets go.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vmctx::{Errno, FaultCtx, Hooks, MaySleep, Mixed, PageCount, PageOffset, Platform, VmFault, VmOperations};

/// In how many places something is mapped.
#[derive(Debug, Default)]
pub struct Users(AtomicUsize);

impl Users {
    /// Nobody has it mapped.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// How many VMAs show it, of all processes, with those that are just being made. None, and its memory may be
    /// replaced, if the lock is held under which each [`User`] is made.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn come(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn go(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What counts its users.
pub trait Used: Send + Sync + 'static {
    /// The platform that it is on.
    type Platform: Platform;

    /// The count.
    fn users(&self) -> &Users;

    /// A page of it, so far behind the first.
    fn page(&self, at: PageCount, may_sleep: MaySleep<'_>) -> Option<<Self::Platform as Platform>::Page>;
}

/// The state of a mapping of `T`, which is kept alive, and counted. Faults bring what mmap has not filled.
pub struct User<P: Platform, T: Used<Platform = P>> {
    of: P::Ref<T>,
    /// The page offset at which its first page is shown.
    start: PageOffset,
    /// Whether `open` was told of the mapping, and the state no longer counts for it.
    is_open: AtomicBool,
}

impl<P: Platform, T: Used<Platform = P>> User<P, T> {
    /// The state of a mapping of this, which shows the first of its pages at the page offset `start`. It is counted from
    /// here on.
    pub fn new(of: P::Ref<T>, start: PageOffset) -> Self {
        of.users().come();
        Self { of, start, is_open: AtomicBool::new(false) }
    }
}

impl<P: Platform, T: Used<Platform = P>> Drop for User<P, T> {
    fn drop(&mut self) {
        if !*self.is_open.get_mut() {
            self.of.users().go();
        }
    }
}

impl<P: Platform, T: Used<Platform = P>> VmOperations for User<P, T> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|user: &Self| {
            // The first VMA is counted already.
            if user.is_open.swap(true, Ordering::AcqRel) {
                user.of.users().come();
            }
            Ok(())
        })
        .close(|user: &Self| user.of.users().go());

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| {
            let page = at.pgoff().checked_since(self.start).ok_or(Errno::ENXIO)?;
            self.of.page(page, at.may_sleep()).ok_or(Errno::ENXIO)
        })
    }
}

#[cfg(test)]
mod tests {
    use vmctx::{ByPrepare, PageRange, PrepareCtx, PrepareFile, Prepared};
    use vmctx_sim::{Injection, Machine, Map, MmapOrder, Sim};

    use super::*;

    struct Thing(Users);

    impl Used for Thing {
        type Platform = Sim;

        fn users(&self) -> &Users {
            &self.0
        }

        fn page(&self, _: PageCount, _: MaySleep<'_>) -> Option<vmctx_sim::Page> {
            None
        }
    }

    struct Device {
        thing: <Sim as Platform>::Ref<Thing>,
        fails: bool,
    }

    impl PrepareFile for Device {
        type Platform = Sim;
        type Ops = User<Sim, Thing>;

        fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
            ctx.writable().by_faults()
        }

        fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<<Sim as Platform>::Ref<Self::Ops>, Errno> {
            let before = self.thing.users().count();
            let user = Sim::share(User::<Sim, _>::new(self.thing.clone(), PageOffset::ZERO), may_sleep)?;
            assert_eq!(
                self.thing.users().count(),
                before + 1,
                "counted before the lock is given up under which it is made"
            );
            if self.fails { Err(Errno::ENXIO) } else { Ok(user) }
        }
    }

    #[test]
    fn a_mapping_is_counted_from_its_state_on_and_one_that_fails_no_longer() {
        for order in [MmapOrder::Prepare, MmapOrder::Compat] {
            let machine = Machine::new();
            machine.set_mmap_order(order);
            let thing = Sim::share(Thing(Users::new()), machine.may_sleep()).unwrap();
            let open = |fails| machine.open(ByPrepare(Device { thing: thing.clone(), fails }));
            assert!(machine.process().mmap(&open(true), Map::shared(1)).is_err());
            assert_eq!(thing.users().count(), 0, "the state was made, and dropped");
            machine.inject(Injection::VmaAllocation { after: 0 });
            assert!(machine.process().mmap(&open(false), Map::shared(1)).is_err());
            assert_eq!(thing.users().count(), 0, "there was no memory for the VMA");

            let (process, pages) = (machine.process(), 3 * Sim::PAGE_SIZE);
            let at = process.mmap(&open(false), Map::shared(pages)).unwrap();
            assert_eq!(thing.users().count(), 1);
            let middle = vmctx::UserAddr::new(at.get() + Sim::PAGE_SIZE);
            process.munmap(middle, Sim::PAGE_SIZE).unwrap();
            assert_eq!(thing.users().count(), 2, "a VMA on either side of the hole");
            process.munmap(at, pages).unwrap();
            assert_eq!(thing.users().count(), 0);
        }
    }
}
