//! G7: Another thread asks what the fault is.
//! At: `std::thread::scope`
//! Write instead: `send the page or its number`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        std::thread::scope(|s| s.spawn(|| ctx.is_write()).join().unwrap());
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
