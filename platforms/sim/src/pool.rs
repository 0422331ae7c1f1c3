//! Pages of drivers' pools, of which a test has said so.

use std::{
    collections::BTreeMap,
    panic::Location,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

/// A place in the program.
pub(crate) type Place = &'static Location<'static>;

/// The pages that are watched, by their frames, and who has each of them.
#[derive(Default)]
pub(crate) struct Pool {
    is_watched: AtomicBool,
    owners: Mutex<BTreeMap<u64, Option<Owner>>>,
}

/// Whoever a page was inserted for last, and where.
#[derive(Clone, Copy)]
struct Owner {
    user: u64,
    inserted: Place,
}

impl Pool {
    /// From now on these are watched.
    pub(crate) fn watch(&self, pfns: impl Iterator<Item = u64>) {
        self.owners.lock().extend(pfns.map(|pfn| (pfn, None)));
        self.is_watched.store(true, Ordering::Release);
    }

    /// Whether any page is watched.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    /// A page is inserted for this user. Gives back where it was inserted for another one who has it still.
    pub(crate) fn insert(
        &self,
        pfn: u64,
        user: u64,
        inserted: Place,
        is_mapped: impl FnOnce() -> bool,
    ) -> Option<Place> {
        let mut owners = self.owners.lock();
        let owner = owners.get_mut(&pfn)?;
        let before = owner.replace(Owner { user, inserted });
        before.filter(|before| before.user != user && is_mapped()).map(|before| before.inserted)
    }
}
