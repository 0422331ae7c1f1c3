//! What many threads write at once, kept apart so that they do not take lines of the cache from each other.

use std::{
    array,
    cell::Cell,
    sync::atomic::{AtomicU8, AtomicUsize, Ordering},
};

/// How many threads have a part for themselves. Those that come when there are as many take other parts, as many again, in
/// turn: few share one as long as there are not many more.
pub(crate) const SHARDS: usize = 8;

/// A part, in lines of the cache of its own: two, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// Several of something, one of which each thread uses. Threads may share one.
///
/// What is counted in it is the sum of [`all`](Self::all).
pub struct Sharded<T> {
    /// Those that one thread has for itself, and behind them the others.
    shards: Box<[Apart<T>; 2 * SHARDS]>,
}

thread_local! {
    /// The shard of this thread; at first none. Below [`SHARDS`] it is this thread's alone.
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Gives it back when the thread ends.
    static OWNED: Cell<Option<Owned>> = const { Cell::new(None) };
}

/// Which shards are one thread's, bit by bit.
static TAKEN: AtomicU8 = AtomicU8::new(0);

/// A shard of which the thread is the only one.
struct Owned(usize);

impl Owned {
    fn new() -> Option<Self> {
        let free = |taken: u8| taken.checked_add(1).map(|_| taken | (taken + 1));
        // Whoever had it before has done with it what he did.
        let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, free).ok()?;
        usize::try_from(taken.trailing_ones()).ok().map(Self)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // What the thread still does while it ends.
        SHARD.set(SHARDS + self.0);
        TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
    }
}

/// Which shard of as many as [`SHARDS`] is this thread's, where it does not matter whether others have it, too.
#[inline]
pub(crate) fn of_this_thread() -> usize {
    shard() % SHARDS
}

#[inline]
fn shard() -> usize {
    let shard = SHARD.get();
    if shard < 2 * SHARDS { shard } else { take() }
}

#[cold]
fn take() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let own = Owned::new().and_then(|owned| {
        let shard = owned.0;
        OWNED.try_with(|cell| cell.set(Some(owned))).ok().map(|()| shard)
    });
    let shard = own.unwrap_or_else(|| SHARDS + NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    SHARD.set(shard);
    shard
}

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self { shards: Box::new(array::from_fn(|_| Apart(T::default()))) }
    }
}

impl<T> Sharded<T> {
    /// The one of this thread, and of others.
    #[inline]
    #[must_use]
    pub fn mine(&self) -> &T {
        self.mine_alone().0
    }

    /// The same, and whether no other thread gets it here as long as this one is there. Then a count in it needs no
    /// addition that is atomic: who loads and stores it is the only one who does.
    #[inline]
    #[must_use]
    pub fn mine_alone(&self) -> (&T, bool) {
        let [first, ..] = &*self.shards;
        let shard = shard();
        (&self.shards.get(shard).unwrap_or(first).0, shard < SHARDS)
    }

    /// All of them, this thread's first.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        let (before, from) = self.shards.split_at(shard() % (2 * SHARDS));
        from.iter().chain(before).map(|shard| &shard.0)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ptr, sync::Barrier, thread};

    use super::*;

    /// Many more threads than there are shards, all there at once, and again when these have ended.
    #[test]
    fn a_shard_that_is_one_threads_alone_is_nobody_elses() {
        const THREADS: usize = 5 * SHARDS;
        let (sharded, barrier) = (Sharded::<AtomicUsize>::default(), Barrier::new(THREADS));
        // The shard of a thread, by its address, whether it is the thread's alone, and what all shards have counted. What is
        // wrong is said by whoever waits for the threads: one that panics would keep the others here for ever.
        let look = || {
            barrier.wait();
            let (mine, alone) = sharded.mine_alone();
            mine.fetch_add(1, Ordering::Relaxed);
            let is_first = sharded.all().next().is_some_and(|first| ptr::eq(first, mine));
            // Nobody gives its shard back before all have theirs.
            barrier.wait();
            let counts: Vec<usize> = sharded.all().map(|shard| shard.load(Ordering::Relaxed)).collect();
            (ptr::from_ref(mine).addr(), alone, is_first, counts)
        };
        // Not each round has all of those that are one thread's alone: other tests have threads, too, which come and go.
        let rounds_with_all = Cell::new(0);
        for round in (1..=1000).take_while(|round| *round <= 20 || rounds_with_all.get() < 2) {
            let found: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(look)).collect();
                // Unlike the scope's end this waits until they have given their shards back.
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let mut users = BTreeMap::<usize, usize>::new();
            found.iter().for_each(|(shard, ..)| *users.entry(*shard).or_default() += 1);
            for (shard, alone, is_first, counts) in &found {
                assert!(!alone || users[shard] == 1, "one thread's alone, and of {} threads", users[shard]);
                assert!(is_first, "all of them, this thread's first");
                assert_eq!((counts.len(), counts.iter().sum()), (2 * SHARDS, round * THREADS));
            }
            let all = found.iter().filter(|(_, alone, ..)| *alone).count() == SHARDS;
            rounds_with_all.set(rounds_with_all.get() + usize::from(all));
        }
        assert!(rounds_with_all.get() > 1, "what a thread has given back is another one's");
    }

    /// What a thread has given back may be another one's, and nothing else may. What it still counts while it ends, the other
    /// may count beside it.
    #[test]
    fn a_thread_gives_its_own_shard_back() {
        let (sharded, barrier) = (Sharded::<AtomicUsize>::default(), Barrier::new(SHARDS));
        let look = || {
            let (mine, alone) = sharded.mine_alone();
            (ptr::from_ref(mine).addr(), alone)
        };
        // Whoever has the first stays, because a thread that comes gets the first that is free.
        let first = ptr::from_ref(&sharded.shards[0].0).addr();
        let come_and_go = || {
            let before = look();
            barrier.wait();
            if before.0 != first {
                drop(OWNED.take());
            }
            let after = look();
            barrier.wait();
            let other = thread::scope(|scope| scope.spawn(look).join().unwrap());
            barrier.wait();
            (before, after, other)
        };
        let found: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..SHARDS).map(|_| scope.spawn(come_and_go)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (before, after, _) in &found {
            assert!(if before.0 == first { after == before } else { !after.1 });
        }
        let stays = found.iter().any(|(before, ..)| before.0 == first);
        assert!(!stays || found.iter().all(|(.., other)| other.0 != first), "the first is another thread's");
    }
}
