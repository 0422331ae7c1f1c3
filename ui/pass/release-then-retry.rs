//! G12: RETRY after really giving up the lock; where that is not possible, the fault is served or answered as it is.
#![forbid(unsafe_code)]
use std::sync::atomic::{AtomicBool, Ordering};
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, Release, VmFault, VmOperations};
use vmctx_sim::{Injection, Machine, Map};

/// A buffer that must be fetched, without the lock held, before it can be mapped.
struct Slow<P: Platform> {
    page: P::Page,
    fetched: AtomicBool,
}

struct Device<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let state = Slow { page: self.0.clone(), fetched: AtomicBool::new(false) };
        Ok(ctx.writable().establish::<Slow<P>>(state)?.fill_later())
    }
}

impl<P: Platform> VmOperations for Slow<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.fetched.load(Ordering::Acquire) {
            return ctx.insert_page(&self.page);
        }
        match ctx.release() {
            Release::Released(released) => {
                self.fetched.store(true, Ordering::Release);
                released.retry()
            }
            Release::NoWait(answer) => {
                self.fetched.store(true, Ordering::Release);
                answer
            }
            Release::Keep(ctx) => ctx.insert_page(&self.page),
        }
    }
}

/// How many times the handler ran for one load, and how many of them answered RETRY.
fn load(injection: Option<Injection>) -> (u64, u64) {
    let machine = Machine::new();
    let file = machine.open(Device(machine.alloc_page().unwrap()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    if let Some(injection) = injection {
        machine.inject(injection);
    }
    assert_eq!(process.thread().read_u8(at), Ok(0));
    let statistics = machine.statistics();
    (statistics.handler_calls, statistics.answers.retry)
}

fn main() {
    assert_eq!(load(None), (2, 1));
    assert_eq!(load(Some(Injection::RetryNoWait)), (2, 1));
    assert_eq!(load(Some(Injection::NoRetry)), (1, 0));
}
