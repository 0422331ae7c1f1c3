//! G25: a file with a prepare hook says so when it is opened.
use vmctx::{Errno, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, WithoutFaults};
use vmctx_sim::{Machine, Page, Ref, Sim};

struct Doorbell([Page; 1]);

impl PrepareFile for Doorbell {
    type Platform = Sim;
    type Ops = WithoutFaults<Sim, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
        ctx.fill_from_first(&self.0)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Self::Ops>, Errno> {
        Sim::share(WithoutFaults::new(), may_sleep)
    }
}

fn open(machine: &Machine, doorbell: Doorbell) {
    machine.open(doorbell);
}

fn main() {}
