//! What many threads write at once, kept apart so that they do not take lines of the cache from each other.

use std::{
    array,
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// How many parts there are. Threads take them in turn, so few share one as long as there are not many more.
pub(crate) const SHARDS: usize = 8;

/// A part, in lines of the cache of its own: two, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// Several of something, one of which each thread uses. Threads may share one.
///
/// What is counted in it is the sum of [`all`](Self::all).
pub struct Sharded<T> {
    shards: Box<[Apart<T>; SHARDS]>,
}

thread_local! {
    /// The shard of this thread; at first none.
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Which shard is this thread's, below [`SHARDS`]. It stays so.
#[inline]
pub(crate) fn of_this_thread() -> usize {
    let shard = SHARD.get();
    if shard < SHARDS { shard } else { take() }
}

#[cold]
fn take() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
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
        let [first, ..] = &*self.shards;
        let shard = self.shards.get(of_this_thread()).unwrap_or(first);
        &shard.0
    }

    /// All of them, this thread's first.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        let (before, from) = self.shards.split_at(of_this_thread() % SHARDS);
        from.iter().chain(before).map(|shard| &shard.0)
    }
}
