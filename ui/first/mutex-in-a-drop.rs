//! G15: The end of a mapping takes a mutex, as the close of drivers/misc/uacce does.
//! At: `self.queue.lock()`
//! Write instead: `P::SpinLock`
use vmctx::*;

struct Region<P: Platform> {
    queue: P::Mutex<usize>,
}

impl<P: Platform> Drop for Region<P> {
    fn drop(&mut self) {
        *self.queue.lock() = 0;
    }
}

fn main() {}
