//! G15: A hook that runs under RCU waits for a lock.
//! At: `self.lock.write(ctx.may_sleep())`
//! Write instead: `lock.try_read()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    lock: P::RwLock<usize>,
}

impl<P: Platform> Dev<P> {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        let _held = self.lock.write(ctx.may_sleep());
        for at in ctx.wanted() {
            ctx.prefault_page(at, &self.pages[at.index()]);
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
