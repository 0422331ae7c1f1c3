//! G12, G14: a page is locked, taken out of object and mappings, and unlocked; faults look under the lock.
#![forbid(unsafe_code)]
use std::sync::Arc;
use vmctx::{
    Errno, FaultCtx, Mapped, Mappings, MmapCtx, MmapFile, Normal, Page as _, PageCount, PageOffset, Platform, RwLock,
    UnlockedCtx, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// One page, until it is truncated.
struct Log<P: Platform> {
    page: P::Page,
    there: P::RwLock<bool>,
    mappings: Mappings<P>,
}

struct Device<P: Platform>(P::Ref<Log<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish_shared::<Log<P>>(self.0.clone())?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<P>> {
        Some(&self.0.mappings)
    }
}

impl<P: Platform> VmOperations for Log<P> {
    type Platform = P;
    type Mapping = Normal;

    fn fault<'f>(&self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        let locked = ctx.lock_page(&self.page);
        if !*self.there.read(ctx.may_sleep()) {
            drop(locked);
            return ctx.fail(Errno::EFAULT);
        }
        ctx.deliver_locked(locked)
    }
}

impl<P: Platform> Log<P> {
    fn truncate(&self, unlocked: &mut UnlockedCtx<'_, P>) {
        let lock = unlocked.lock_page(&self.page);
        *self.there.write(lock.may_sleep()) = false;
        self.mappings.unmap(PageOffset::ZERO, PageCount::new(1), lock.may_sleep());
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, b"log").unwrap();
    let log = Arc::new(Log::<Sim> {
        page: page.clone(),
        there: RwLock::new(true, machine.may_sleep()).unwrap(),
        mappings: Mappings::new(machine.may_sleep()).unwrap(),
    });
    let file = machine.open(Device(log.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    assert_eq!(user.read_u8(at), Ok(b'l'));
    assert_eq!(page.map_count(), 1);

    // It has gone from the mapping when the ioctl returns, and does not come back.
    process.ioctl(|unlocked| log.truncate(unlocked)).unwrap();
    assert_eq!(page.map_count(), 0);
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));

    // The lock was given back with the proof: a second truncation takes it again.
    process.ioctl(|unlocked| log.truncate(unlocked)).unwrap();
}
