//! G25: A prepare hook sets flags by their names.
//! At: `ctx.vm_flags_set(VM_IO)`
//! Write instead: `ctx.io()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> PrepareFile for Dev<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.vm_flags_set(VM_IO).fill_at_pgoff(&self.pages)
    }

    fn mapped(&self, _shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

fn main() {}
