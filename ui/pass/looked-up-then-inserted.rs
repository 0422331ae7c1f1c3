//! G1, G2, G3: one line looks up and inserts; where there is nothing, the errno says why, by each hook's own convention.
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// What the next lookups meet, last first; then there is a page.
struct Lookups<P: Platform> {
    page: P::Page,
    troubles: Mutex<Vec<Errno>>,
}

impl<P: Platform> Lookups<P> {
    fn find(&self) -> Result<&P::Page, Errno> {
        self.troubles.lock().map_err(|_| Errno::EIO)?.pop().map_or(Ok(&self.page), Err)
    }
}

impl<P: Platform> VmOperations for Lookups<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|_| self.find())
    }
}

struct Device<P: Platform>(Arc<Lookups<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.writable().without_faults::<Mixed>()?.insert_page_with(|_| self.0.find())?.finish()
    }
}

struct Lazy<P: Platform>(P::Ref<Lookups<P>>);

impl<P: Platform> MmapFile for Lazy<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Lookups<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let lookups = |troubles: &[Errno]| Lookups::<Sim> {
        page: machine.alloc_page().unwrap(),
        troubles: Mutex::new(troubles.to_vec()),
    };
    let load = |troubles: &[Errno]| {
        let file = machine.open(Lazy(Sim::share(lookups(troubles), machine.may_sleep()).unwrap()));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(4096)).unwrap();
        process.thread().read_u8(at).map_err(|error| match error.signal() {
            Some(Signal::Sigbus(_)) => "SIGBUS",
            Some(Signal::Killed(_)) => "OOM",
            _ => "something else",
        })
    };
    assert_eq!(load(&[]), Ok(0));
    assert_eq!(load(&[Errno::ENXIO]), Err("SIGBUS"));
    assert_eq!(load(&[Errno::ENOMEM]), Err("OOM"));
    // These have the access repeated, and the lookup with it.
    assert_eq!(load(&[Errno::ENOSPC, Errno::EINTR, Errno::EBUSY, Errno::EAGAIN, Errno::ERESTARTSYS]), Ok(0));

    // At mmap each of them is the user's.
    for errno in [Errno::ENXIO, Errno::ENOMEM, Errno::EAGAIN] {
        let file = machine.open(Device(Arc::new(lookups(&[errno]))));
        let process = machine.process();
        assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(errno));
        assert_eq!(process.thread().read_u8(process.mmap(&file, Map::shared(4096)).unwrap()), Ok(0));
    }
}
