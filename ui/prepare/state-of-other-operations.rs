//! G25, G9: what `mapped` makes is what the file's operations are.
use vmctx::{Errno, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, Remapped, WithoutFaults};

struct File<P: Platform>(P::Page);

impl<P: Platform> PrepareFile for File<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.fill_from_first(core::slice::from_ref(&self.0))
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::<P, Remapped>::new(), may_sleep)
    }
}

fn main() {}
