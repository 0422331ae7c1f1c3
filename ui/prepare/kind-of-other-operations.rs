//! G25, G9: the kind is that of the file's operations.
use vmctx::{Errno, MaySleep, Mixed, PageRange, PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, WithoutFaults};

struct File<P: Platform>(P::Page);

impl<P: Platform> PrepareFile for File<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        ctx.by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

fn main() {}
