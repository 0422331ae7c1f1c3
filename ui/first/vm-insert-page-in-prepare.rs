//! G25: A prepare hook inserts a page by the name that this has in C.
//! At: `ctx.vm_insert_page(page)`
//! Write instead: `ctx.fill_at_pgoff(&pages)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> PrepareFile for Dev<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let page = &self.pages[0];
        ctx.vm_insert_page(page)
    }

    fn mapped(&self, _shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

fn main() {}
