//! G3: the two rules that make an answer of an errno are the kernel's, and spend the token.
#![forbid(unsafe_code)]
use std::sync::Mutex;
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// What the next faults meet, last first; then there is a page.
struct Troubles(Mutex<Vec<(Errno, bool)>>, <Sim as Platform>::Page);

impl VmOperations for Troubles {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        match self.0.lock().unwrap().pop() {
            Some((errno, true)) => ctx.fail_or_refault(errno),
            Some((errno, false)) => ctx.fail(errno),
            None => ctx.insert_page(&self.1),
        }
    }
}

struct Device(Vec<(Errno, bool)>, <Sim as Platform>::Page);

impl MmapFile for Device {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let state = Troubles(Mutex::new(self.0.clone()), self.1.clone());
        Ok(ctx.writable().establish(state)?.fill_later())
    }
}

/// What a load meets when the hook meets these.
fn load(troubles: &[(Errno, bool)]) -> Result<u8, &'static str> {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let file = machine.open(Device(troubles.to_vec(), page));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    process.thread().read_u8(at).map_err(|error| match error.signal() {
        Some(Signal::Sigbus(address)) if address == at => "SIGBUS",
        Some(Signal::Killed(_)) => "OOM",
        _ => "something else",
    })
}

fn main() {
    // `fail`: vmf_error.
    assert_eq!(load(&[(Errno::ENOMEM, false)]), Err("OOM"));
    for errno in [Errno::ENXIO, Errno::EINTR, Errno::EBUSY, Errno::EHWPOISON] {
        assert_eq!(load(&[(errno, false)]), Err("SIGBUS"));
    }
    // `fail_or_refault`: what every driver of Linux spells out by hand.
    for errno in [Errno::EINTR, Errno::ERESTARTSYS, Errno::EAGAIN, Errno::EBUSY, Errno::ENOSPC] {
        assert_eq!(load(&[(errno, true)]), Ok(0));
    }
    assert_eq!(load(&[(Errno::ENOMEM, true)]), Err("OOM"));
    assert_eq!(load(&[(Errno::EIO, true)]), Err("SIGBUS"));
    assert_eq!(load(&[(Errno::EIO, true), (Errno::EINTR, true), (Errno::EAGAIN, true)]), Err("SIGBUS"));
}
