//! G19: a right that is not asked for is never added, where the driver has looked: vhost-vdpa's doorbell, which refuses
//! to be read, and a map whose writers are counted by what they ask for (1f6cb19be2e2 bpf map).
#![forbid(unsafe_code)]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform};
use vmctx_sim::{Machine, Map, Prot, Sim};

struct Doorbell<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Doorbell<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.is_readable() || ctx.is_executable() {
            return Err(Errno::EPERM);
        }
        ctx.writable().without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

struct Counted<P: Platform>(P::Page, AtomicUsize);

impl<P: Platform> MmapFile for Counted<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.is_writable() {
            self.1.fetch_add(1, SeqCst);
        }
        ctx.writable().without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

fn main() {
    let machine = Machine::new();
    let process = machine.process();
    let denied = |at, prot| process.mprotect(at, 4096, prot).unwrap_err().errno() == Some(Errno::EACCES);

    let doorbell = machine.open(Doorbell::<Sim>(machine.alloc_page().unwrap()));
    let at = process.mmap(&doorbell, Map::shared(4096).prot(Prot::WRITE)).unwrap();
    process.thread().write_u8(at, 1).unwrap();
    assert!(denied(at, Prot::READ) && denied(at, Prot::READ_WRITE) && denied(at, Prot::EXEC));

    let counted = machine.open(Counted::<Sim>(machine.alloc_page().unwrap(), AtomicUsize::new(0)));
    let reader = process.mmap(&counted, Map::shared(4096).prot(Prot::READ)).unwrap();
    assert!(denied(reader, Prot::READ_WRITE));
    let writer = process.mmap(&counted, Map::shared(4096)).unwrap();
    process.mprotect(writer, 4096, Prot::READ).unwrap();
    process.mprotect(writer, 4096, Prot::READ_WRITE).unwrap();
    process.thread().write_u8(writer, 2).unwrap();
    // A private copy is its user's own.
    let copy = process.mmap(&counted, Map::private(4096).prot(Prot::READ)).unwrap();
    process.mprotect(copy, 4096, Prot::READ_WRITE).unwrap();
    process.thread().write_u8(copy, 3).unwrap();
    assert_eq!(process.thread().read_u8(reader), Ok(2));
}
