//! G7: Another thread sleeps with the right of a fault.
//! At: `std::thread::scope`
//! Write instead: `send the page or its number`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    lock: P::RwLock<usize>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let may_sleep = ctx.may_sleep();
        std::thread::scope(|s| s.spawn(move || drop(self.lock.write(may_sleep))).join().is_ok());
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
