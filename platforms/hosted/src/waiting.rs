//! The one place in which drivers' hooks wait: for locks, for page locks, on queues. Where a platform has threads that
//! serve the faults of others, it has a thread that waits there replaced meanwhile: what is waited for may take another
//! fault.

use std::cell::Cell;

/// Calls what it is given, once, and sees to it that others are served meanwhile.
pub type Waiter = fn(&mut dyn FnMut());

thread_local! {
    static WAITER: Cell<Option<Waiter>> = const { Cell::new(None) };
}

/// From now on this thread waits by this function.
pub fn set_waiter(waiter: Waiter) {
    WAITER.set(Some(waiter));
}

/// Waits, by whatever blocks the thread.
pub fn wait<T>(wait: impl FnOnce() -> T) -> T {
    let Some(waiter) = WAITER.get() else { return wait() };
    let mut waiting = Waiting::NotYet(wait);
    waiter(&mut || waiting.run());
    waiting.into_result()
}

/// A wait, before and after.
enum Waiting<F, T> {
    NotYet(F),
    Runs,
    Over(T),
}

impl<T, F: FnOnce() -> T> Waiting<F, T> {
    fn run(&mut self) {
        match std::mem::replace(self, Self::Runs) {
            Self::NotYet(wait) => *self = Self::Over(wait()),
            other => *self = other,
        }
    }

    /// A waiter that has not waited is wrong, but whoever called must have waited.
    fn into_result(mut self) -> T {
        loop {
            self.run();
            if let Self::Over(result) = self {
                return result;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_happens_once_whatever_the_waiter_does() {
        thread_local! {
            static CALLS: Cell<usize> = const { Cell::new(0) };
            static BY_WAITER: Cell<bool> = const { Cell::new(false) };
        }
        assert_eq!(wait(|| 1), 1);
        let waiters: [Waiter; 3] = [
            |_| BY_WAITER.set(true),
            |wait| {
                BY_WAITER.set(true);
                wait();
            },
            |wait| {
                BY_WAITER.set(true);
                wait();
                wait();
            },
        ];
        for waiter in waiters {
            set_waiter(waiter);
            CALLS.set(0);
            BY_WAITER.set(false);
            assert_eq!(wait(|| CALLS.replace(CALLS.get() + 1)), 0);
            assert_eq!((CALLS.get(), BY_WAITER.get()), (1, true));
        }
    }
}
