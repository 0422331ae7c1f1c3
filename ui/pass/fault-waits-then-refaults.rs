//! G4: NOPAGE without an insertion has evidence: this fault has waited for something to change.
#![forbid(unsafe_code)]
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations, WaitQueue};
use vmctx_sim::{Machine, Map, Sim};

/// A buffer that its device fills some time.
struct Buffer<P: Platform> {
    page: P::Page,
    ready: AtomicBool,
    filled: P::WaitQueue,
}

struct Device<P: Platform>(P::Ref<Buffer<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Buffer<P>>(self.0.clone())?.fill_later())
    }
}

impl<P: Platform> VmOperations for Buffer<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let ticket = self.filled.ticket();
        if self.ready.load(Ordering::Acquire) {
            return ctx.insert_page(&self.page);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let buffer = Buffer { page, ready: AtomicBool::new(false), filled: WaitQueue::new(machine.may_sleep()).unwrap() };
    let buffer = Sim::share(buffer, machine.may_sleep()).unwrap();
    let file = machine.open(Device(buffer.clone()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    let user = process.thread();
    thread::scope(|scope| {
        let load = scope.spawn(move || user.read_u8(at));
        while buffer.filled.sleepers() == 0 {
            thread::yield_now();
        }
        buffer.ready.store(true, Ordering::Release);
        buffer.filled.wake_all();
        assert_eq!(load.join().unwrap(), Ok(0));
    });
    assert_eq!(machine.statistics().refaults, 1);
}
