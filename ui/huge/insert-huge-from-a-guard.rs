//! G21: a large entry of an object behind a lock.
use vmctx::{HugeFaultCtx, PfnMap, Platform, RwLock, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    ctx.insert_huge_with(|_, entry| entry.of(&*memory))
}

fn main() {}
