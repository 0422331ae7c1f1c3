//! G12, G14: a page is locked, taken out of object and mappings, and unlocked; faults look under the lock.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Mapped, MmapCtx, MmapFile, Normal, PageRef as _, PageOffset, Platform, RwLock,
    SharedObject, UnlockedCtx, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// One page, until it is truncated.
struct Log<P: Platform> {
    page: P::Page,
    there: P::RwLock<bool>,
    mappings: SharedObject<P>,
}

struct Device<P: Platform>(P::Ref<Log<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Log<P>>(self.0.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.mappings)
    }
}

impl<P: Platform> VmOperations for Log<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
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
        lock.unmap(&self.mappings, PageOffset::ZERO);
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, b"log").unwrap();
    let log = Log::<Sim> {
        page: page.clone(),
        there: RwLock::new(true, machine.may_sleep()).unwrap(),
        mappings: SharedObject::new(machine.may_sleep()).unwrap(),
    };
    let log = Sim::share(log, machine.may_sleep()).unwrap();
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
