//! G21: a page given back to the pool while a user has it mapped (CVE-2024-0582, io_uring).
use vmctx::{Platform, UniquePage};

struct Rings<P: Platform> {
    free: Vec<UniquePage<P>>,
    ring: Option<P::Page>,
}

impl<P: Platform> Rings<P> {
    fn unregister(&mut self) {
        if let Some(page) = self.ring.take() {
            self.free.push(page);
        }
    }
}

fn main() {}
