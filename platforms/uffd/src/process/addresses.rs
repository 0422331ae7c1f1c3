//! Addresses that a session has reserved, and accesses that stay among them.

use std::{collections::BTreeMap, ops::Range};

use parking_lot::{Mutex, RwLock};

use vmctx::UserAddr;
use vmctx_hosted::hook;

use crate::{
    error::{RawErrno, Trap},
    kernel::{
        signals::{self, Signal},
        sys::PAGE_SIZE,
    },
};

use super::owner::Owner;

/// Addresses that a session has reserved: from when a mapping is made until nothing of it is left.
pub(crate) struct Addresses {
    owner: Owner,
    reserved: Mutex<Reserved>,
    /// Held for read by whoever is in the middle of [`load`](Self::load) or [`store`](Self::store). No addresses are
    /// given back meanwhile, because they might become somebody else's.
    accesses: RwLock<()>,
}

#[derive(Default)]
struct Reserved {
    /// The ranges that were reserved, each at once: their ends by their starts.
    ranges: BTreeMap<usize, usize>,
    /// Those of them in which nothing is mapped any more, and which are to be given back.
    retired: Vec<Range<usize>>,
}

impl Reserved {
    /// The reservation that contains a range, unless it is retired.
    fn around(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let (start, end) = self.ranges.range(..=range.start).next_back()?;
        let around = *start..*end;
        (range.end <= around.end && !self.retired.contains(&around)).then_some(around)
    }

    fn touches(&self, range: &Range<usize>) -> bool {
        self.ranges.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start)
    }
}

impl Addresses {
    pub(crate) fn new(owner: Owner) -> Self {
        Self { owner, reserved: Mutex::default(), accesses: RwLock::new(()) }
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Reserves so many bytes, which are whole pages: at `at` and nowhere else, if that is given.
    pub(crate) fn reserve(&self, bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
        let start = self.owner.reserve(bytes, at)?;
        self.note_reserved(start, bytes)
    }

    /// The same, beginning at a multiple of `align`.
    pub(crate) fn reserve_aligned(&self, bytes: usize, align: usize) -> Result<usize, RawErrno> {
        let start = self.owner.reserve_aligned(bytes, align)?;
        self.note_reserved(start, bytes)
    }

    fn note_reserved(&self, start: usize, bytes: usize) -> Result<usize, RawErrno> {
        let mut reserved = self.reserved.lock();
        match start.checked_add(bytes).filter(|end| start % PAGE_SIZE == 0 && !reserved.touches(&(start..*end))) {
            Some(end) => reserved.ranges.insert(start, end),
            // The kernel would not give such addresses, but a guest may claim that it did.
            None => return Err(RawErrno::IO),
        };
        Ok(start)
    }

    /// Whether a range lies in one reservation, which is not retired.
    pub(crate) fn contain(&self, range: &Range<usize>) -> bool {
        self.reserved.lock().around(range).is_some()
    }

    /// Whether an address is reserved, in a retired reservation or another.
    pub(crate) fn has(&self, address: usize) -> bool {
        self.reserved.lock().touches(&(address..address.saturating_add(1)))
    }

    /// Whether a range is exactly one reservation, which is not retired.
    pub(crate) fn is_whole(&self, range: &Range<usize>) -> bool {
        self.reserved.lock().around(range).is_some_and(|around| around == *range)
    }

    /// All reservations that are not retired.
    pub(crate) fn all(&self) -> Vec<Range<usize>> {
        let reserved = self.reserved.lock();
        let all = reserved.ranges.iter().map(|(start, end)| *start..*end);
        all.filter(|range| !reserved.retired.contains(range)).collect()
    }

    /// Nothing is mapped any more in a reservation: it is [given back](Self::give_back) when that is possible.
    pub(crate) fn retire(&self, range: Range<usize>) {
        let mut reserved = self.reserved.lock();
        if !reserved.retired.contains(&range) {
            reserved.retired.push(range);
        }
    }

    /// A reservation is the session's no more, without being given back: its mapping was moved away, and the kernel may
    /// give the addresses to somebody else.
    pub(crate) fn forget(&self, range: &Range<usize>) {
        self.reserved.lock().ranges.remove(&range.start);
    }

    /// A reservation that was [forgotten](Self::forget) is the session's again.
    pub(crate) fn remember(&self, range: &Range<usize>) {
        self.reserved.lock().ranges.insert(range.start, range.end);
    }

    /// Gives retired reservations back, unless somebody is in the middle of an access. Does not wait for that.
    pub(crate) fn give_back(&self) {
        if self.reserved.lock().retired.is_empty() {
            return;
        }
        let Some(_nobody) = self.accesses.try_write() else { return };
        let mut reserved = self.reserved.lock();
        for range in std::mem::take(&mut reserved.retired) {
            if reserved.ranges.remove(&range.start).is_some() {
                // SAFETY: reserved by this session, retired, and no access is in the middle of it.
                unsafe { self.owner.unmap(&range) };
            }
        }
    }

    /// Loads bytes. If one cannot be loaded, that is an error and no signal.
    pub(crate) fn load(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        let (to, len) = (into.as_mut_ptr(), into.len());
        // SAFETY: `into` is the caller's, and `access` sees to it that the other side is this session's.
        self.access(address, len, |at, done, len| unsafe { signals::copy(to.add(done), at as *const u8, len) })
    }

    /// Stores bytes. As [`load`](Self::load).
    pub(crate) fn store(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        let (bytes, len) = (from.as_ptr(), from.len());
        // SAFETY: `from` is the caller's, and `access` sees to it that the other side is this session's.
        self.access(address, len, |at, done, len| unsafe { signals::copy(at as *mut u8, bytes.add(done), len) })
    }

    /// Calls `copy` for each part of a range that lies in one reservation: with its address, the number of bytes before
    /// it, and the number of its own.
    fn access(
        &self,
        address: UserAddr,
        len: usize,
        mut copy: impl FnMut(usize, usize, usize) -> Result<(), Signal>,
    ) -> Result<(), Trap> {
        if let Some(hook) = hook::in_the_way() {
            return Err(Trap::InsideHook { hook, address });
        }
        if self.owner.is_inherited() {
            return Err(Trap::Forked { address });
        }
        if !self.owner.is_this_process() {
            return Err(Trap::InGuest { address });
        }
        // As long as this is held, none of the session's addresses become somebody else's.
        let _access = self.accesses.read_recursive();
        let mut done = 0;
        while done < len {
            let at = address.get().wrapping_add(done);
            let end = self.reserved.lock().ranges.range(..=at).next_back().map_or(0, |(_, end)| *end);
            if end <= at {
                return Err(Trap::Sigsegv(UserAddr::new(at)));
            }
            let part = (len - done).min(end - at);
            match copy(at, done, part) {
                Ok(()) => done += part,
                Err(Signal::Segv(at)) => return Err(Trap::Sigsegv(UserAddr::new(at))),
                Err(Signal::Bus(at)) => return Err(Trap::Sigbus(UserAddr::new(at))),
            }
        }
        Ok(())
    }
}
