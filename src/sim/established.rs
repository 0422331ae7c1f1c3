//! Established mappings: how they are found again, and locked.

use std::{
    any::{Any, TypeId},
    ops::Range,
    sync::{Arc, Weak},
};

use parking_lot::RwLock;

use crate::{Errno, Platform, VmOperations};

use super::{
    Sim,
    hook::{self, MappedLock},
    insert::Area,
    lock,
    pagetable::PageTables,
    platform::ReadLock,
    process::{Mm, Space},
    vma::Vma,
};

/// A state as whoever does not know its type has it.
pub(super) type AnyState = dyn Any + Send + Sync;

/// A mapping to come back to: the platform's [`Handle`](crate::Platform::Handle).
pub struct Handle {
    space: Weak<RwLock<Space>>,
    tables: Weak<PageTables>,
    // As long as this is here, no other state has the same address.
    state: Weak<AnyState>,
    hint: usize,
}

impl Handle {
    pub(super) fn new(mm: &Mm, vma: &Vma) -> Option<Self> {
        let state = Arc::downgrade(&vma.state()?);
        let (space, tables) = (Arc::downgrade(mm.space()), Arc::downgrade(mm.tables()));
        Some(Self { space, tables, state, hint: vma.start() })
    }

    pub(super) fn lock(&self, wait: bool) -> Result<MappedVma, Errno> {
        if wait {
            may_wait()?;
        }
        let (Some(space), Some(tables)) = (self.space.upgrade(), self.tables.upgrade()) else {
            return Err(Errno::ESRCH);
        };
        let lock = if wait { space.read_arc() } else { space.try_read_arc().ok_or(Errno::EAGAIN)? };
        if lock.exited() {
            return Err(Errno::ESRCH);
        }
        let of_this = |vma: &&Vma| vma.is_live() && vma.has_state(self.state.as_ptr());
        let hinted = lock.vmas().find(self.hint).filter(of_this);
        let at = hinted.or_else(|| lock.vmas().iter().find(of_this)).ok_or(Errno::EFAULT)?.start();
        Ok(MappedVma { state: self.state.as_ptr(), at, lock, tables, _noted: MappedLock::note() })
    }
}

/// The mmap lock may be waited for.
fn may_wait() -> Result<(), Errno> {
    if hook::in_the_way().is_some() || lock::holds_a_hooks_lock() { Err(Errno::EDEADLK) } else { Ok(()) }
}

/// Who is in a system call: the platform's [`Caller`](crate::Platform::Caller).
pub struct Caller {
    mm: Option<Arc<Mm>>,
}

impl Caller {
    pub(super) fn new(mm: Option<Arc<Mm>>) -> Self {
        Self { mm }
    }

    pub(super) fn lock_at<V: VmOperations<Platform = Sim>>(&self, address: usize) -> Result<MappedVma, Errno> {
        let mm = self.mm.as_ref().ok_or(Errno::ESRCH)?;
        may_wait()?;
        let lock = mm.read_lock();
        if lock.exited() {
            return Err(Errno::ESRCH);
        }
        let vma = lock.vmas().find(address).ok_or(Errno::EFAULT)?;
        let state = vma.state().filter(|_| vma.is_live()).ok_or(Errno::EINVAL)?;
        if (*state).type_id() != TypeId::of::<V>() {
            return Err(Errno::EINVAL);
        }
        let (state, at) = (Arc::as_ptr(&state), vma.start());
        Ok(MappedVma { state, at, tables: Arc::clone(mm.tables()), lock, _noted: MappedLock::note() })
    }
}

/// A mapping whose mmap lock is held for read: the platform's [`MappedVma`](crate::Platform::MappedVma).
pub struct MappedVma {
    /// Only to be compared.
    state: *const AnyState,
    /// Where one VMA with that state begins: the one that was meant.
    at: usize,
    lock: ReadLock,
    tables: Arc<PageTables>,
    _noted: MappedLock,
}

impl MappedVma {
    fn vmas(&self) -> impl Iterator<Item = &Vma> {
        self.lock.vmas().iter().filter(|vma| vma.is_live() && vma.has_state(self.state))
    }

    /// One of its VMAs.
    fn vma_at(&self, address: usize) -> Option<&Vma> {
        self.lock.vmas().find(address).filter(|vma| vma.is_live() && vma.has_state(self.state))
    }

    pub(super) fn state<V: VmOperations<Platform = Sim>>(&self) -> Option<&V> {
        self.vma_at(self.at)?.state_as()
    }

    pub(super) fn pgoff(&self, address: usize) -> Option<usize> {
        Some(self.vma_at(address)?.pgoff_at(address))
    }

    /// The first run of slots from a page offset on. Where two VMAs show the same pages, those of the one that was
    /// meant.
    pub(super) fn slots(&self, from: usize) -> Option<(usize, Range<usize>)> {
        let first_of = |vma: &Vma| vma.pgoff().max(from);
        let reaching = || self.vmas().filter(|vma| vma.pgoff() + vma.pages() > from);
        let vma = reaching().min_by_key(|vma| (first_of(vma), vma.start() != self.at))?;
        let first = first_of(vma);
        let mut end = vma.pgoff() + vma.pages();
        // What the meant one shows behind that is a run of its own.
        if let Some(meant) = reaching().find(|vma| vma.start() == self.at).filter(|meant| meant.pgoff() > first) {
            end = end.min(meant.pgoff());
        }
        let address = |pgoff: usize| vma.start() + ((pgoff - vma.pgoff()) << Sim::PAGE_SHIFT);
        Some((first, address(first)..address(end)))
    }

    /// Inserts at an address of the mapping.
    pub(super) fn insert(&self, address: usize, insert: impl FnOnce(&Area) -> Result<(), Errno>) -> Result<(), Errno> {
        insert(&self.vma_at(address).ok_or(Errno::EFAULT)?.area(&self.tables))
    }

    pub(super) fn zap(&self, addresses: Range<usize>) {
        self.tables.zap(addresses, true);
    }

    pub(super) fn write_protect(&self, addresses: Range<usize>) {
        self.tables.write_protect(addresses);
    }
}
