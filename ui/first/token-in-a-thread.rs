//! G7: A fault is served by another thread.
//! At: `std::thread::spawn`
//! Write instead: `send the page or its number`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let page = self.pages[0].clone();
        std::thread::spawn(move || ctx.insert_page(&page)).join().unwrap()
    }
}

fn main() {}
