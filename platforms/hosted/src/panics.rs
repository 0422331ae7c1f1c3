//! Drivers' code that cleans up, and panics.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

/// What panics while several drivers are told that something goes. Each of them is told, whatever the others do; then
/// the first panic goes on. Without this a second one would come while the first unwinds, and end the program.
#[derive(Default)]
pub(crate) struct Panics {
    first: Option<Box<dyn Any + Send>>,
}

impl Panics {
    /// Runs a driver's code.
    pub(crate) fn catch(&mut self, body: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
            if self.first.is_none() {
                self.first = Some(panic);
            } else {
                // Its drop is a driver's code, too, and could panic here.
                mem::forget(panic);
            }
        }
    }

    /// Goes on with the first panic, if there was one. Where one is unwinding already, that one goes on.
    pub(crate) fn resume(self) {
        match self.first {
            Some(panic) if thread::panicking() => mem::forget(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }
}

/// Files of mappings that have gone, to be dropped after the mmap lock is given up: a file's drop is a driver's code, and
/// in no hook. One that panics does not keep the others from it.
pub struct ClosedFiles<F>(Vec<F>);

impl<F> Default for ClosedFiles<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F> Extend<F> for ClosedFiles<F> {
    fn extend<I: IntoIterator<Item = F>>(&mut self, files: I) {
        self.0.extend(files);
    }
}

impl<F> Drop for ClosedFiles<F> {
    fn drop(&mut self) {
        let mut panics = Panics::default();
        for file in self.0.drain(..) {
            panics.catch(|| drop(file));
        }
        panics.resume();
    }
}
