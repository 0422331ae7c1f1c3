//! Addresses that are a session's, and accesses that stay among them.

use std::{collections::BTreeMap, ops::Range};

use parking_lot::{Mutex, RwLock};

use vmctx::UserAddr;

use super::{
    Trap, hook,
    place::Place,
    probe::{self, Signal},
    sys::{PAGE_SIZE, RawErrno},
};

/// Addresses that are a session's: from when a mapping is made until after the last of it has gone.
pub(super) struct Addresses {
    place: Place,
    reserved: Mutex<Reserved>,
    /// Held for read by whoever is in the middle of [`load`](Self::load) or [`store`](Self::store): addresses are not
    /// given back then.
    accesses: RwLock<()>,
}

#[derive(Default)]
struct Reserved {
    ranges: BTreeMap<usize, usize>,
    /// Of which nothing is mapped any more.
    buried: Vec<Range<usize>>,
}

impl Reserved {
    /// What was reserved at once and has all of a range in it.
    fn around(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let (start, end) = self.ranges.range(..=range.start).next_back()?;
        let around = *start..*end;
        (range.end <= around.end && !self.buried.contains(&around)).then_some(around)
    }

    fn touches(&self, range: &Range<usize>) -> bool {
        self.ranges.range(..range.end).next_back().is_some_and(|(_, end)| *end > range.start)
    }
}

impl Addresses {
    pub(super) fn new(place: Place) -> Self {
        Self { place, reserved: Mutex::default(), accesses: RwLock::new(()) }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Reserves so many bytes, which are whole pages; there and nowhere else if there is an address.
    pub(super) fn reserve(&self, bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
        let start = self.place.reserve(bytes, at)?;
        let mut reserved = self.reserved.lock();
        match start.checked_add(bytes).filter(|end| start % PAGE_SIZE == 0 && !reserved.touches(&(start..*end))) {
            Some(end) => reserved.ranges.insert(start, end),
            // The kernel does not give that. Another process may say so.
            None => return Err(RawErrno::IO),
        };
        Ok(start)
    }

    /// Whether all of a range was reserved at once, and is not to be given back.
    pub(super) fn contain(&self, range: &Range<usize>) -> bool {
        self.reserved.lock().around(range).is_some()
    }

    /// Whether an address is one of these, or will be until it has been given back.
    pub(super) fn has(&self, address: usize) -> bool {
        self.reserved.lock().touches(&(address..address.saturating_add(1)))
    }

    /// Whether a range is exactly what was reserved at once, and is not to be given back.
    pub(super) fn is_whole(&self, range: &Range<usize>) -> bool {
        self.reserved.lock().around(range).is_some_and(|around| around == *range)
    }

    /// What is not to be given back.
    pub(super) fn all(&self) -> Vec<Range<usize>> {
        let reserved = self.reserved.lock();
        let all = reserved.ranges.iter().map(|(start, end)| *start..*end);
        all.filter(|range| !reserved.buried.contains(range)).collect()
    }

    /// Nothing is mapped any more in what was reserved at once: it may be [given back](Self::give_back).
    pub(super) fn retire(&self, range: Range<usize>) {
        let mut reserved = self.reserved.lock();
        if !reserved.buried.contains(&range) {
            reserved.buried.push(range);
        }
    }

    /// They are the session's no more, without being given back: somebody else's, as soon as the kernel likes.
    pub(super) fn forget(&self, range: &Range<usize>) {
        self.reserved.lock().ranges.remove(&range.start);
    }

    /// They are again, after all.
    pub(super) fn remember(&self, range: &Range<usize>) {
        self.reserved.lock().ranges.insert(range.start, range.end);
    }

    /// Gives addresses back of which nothing is mapped any more, if nobody is at them. Waits for nobody.
    pub(super) fn give_back(&self) {
        if self.reserved.lock().buried.is_empty() {
            return;
        }
        let Some(_nobody) = self.accesses.try_write() else { return };
        let mut reserved = self.reserved.lock();
        for range in std::mem::take(&mut reserved.buried) {
            if reserved.ranges.remove(&range.start).is_some() {
                // SAFETY: reserved by this session, buried, and nobody is at it.
                unsafe { self.place.unmap(&range) };
            }
        }
    }

    /// Loads bytes, and survives it if that cannot be done.
    pub(super) fn load(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        let (to, len) = (into.as_mut_ptr(), into.len());
        // SAFETY: `into` is the caller's, and `access` looks after the other side.
        self.access(address, len, |at, done, len| unsafe { probe::copy(to.add(done), at as *const u8, len) })
    }

    /// Stores bytes. As [`load`](Self::load).
    pub(super) fn store(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        let (bytes, len) = (from.as_ptr(), from.len());
        // SAFETY: `from` is the caller's, and `access` looks after the other side.
        self.access(address, len, |at, done, len| unsafe { probe::copy(at as *mut u8, bytes.add(done), len) })
    }

    /// Has `copy` (of an address, bytes done before, and how many) access what is among these addresses of a range.
    fn access(
        &self,
        address: UserAddr,
        len: usize,
        mut copy: impl FnMut(usize, usize, usize) -> Result<(), Signal>,
    ) -> Result<(), Trap> {
        if let Some(hook) = hook::in_the_way() {
            return Err(Trap::InsideHook { hook, address });
        }
        if !self.place.is_here() {
            return Err(Trap::InGuest { address });
        }
        // As long as this is held, addresses of this session's are nobody else's.
        let _access = self.accesses.read_recursive();
        let mut done = 0;
        while done < len {
            let at = address.get().wrapping_add(done);
            let ours = self.reserved.lock().ranges.range(..=at).next_back().map_or(0, |(_, end)| *end);
            if ours <= at {
                return Err(Trap::Sigsegv(UserAddr::new(at)));
            }
            let part = (len - done).min(ours - at);
            match copy(at, done, part) {
                Ok(()) => done += part,
                Err(Signal::Segv(at)) => return Err(Trap::Sigsegv(UserAddr::new(at))),
                Err(Signal::Bus(at)) => return Err(Trap::Sigbus(UserAddr::new(at))),
            }
        }
        Ok(())
    }
}
