//! G19: a mapping whose hook has not let users write is read-only for ever, whatever mprotect is asked for later
//! (CVE-2026-89793 ublk, CVE-2022-43750 usbmon, 9b66c9af7172 bnxt_re, 1f6cb19be2e2 bpf map, c660133c339f mlx5).
#![forbid(unsafe_code)]
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageRef as _, Platform, VmFault, VmOperations};
use vmctx_sim::{Machine, Map, OpenMode, Prot, Signal};

/// Packet headers that the driver trusts: for users to read, or, in a device of another sort, to write.
struct Ring<P: Platform> {
    page: P::Page,
    users_write: bool,
    /// How many mappings have been made whose users may write, now or later.
    writers: Arc<AtomicUsize>,
    states: Arc<AtomicUsize>,
}

impl<P: Platform> MmapFile for Ring<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = if self.users_write { ctx.writable() } else { ctx };
        let ctx = ctx.establish_with(|ctx| {
            self.writers.fetch_add(usize::from(ctx.may_be_written()), SeqCst);
            self.states.fetch_add(1, SeqCst);
            Ok(Shown::<P>(self.page.clone()))
        })?;
        Ok(ctx.fill_later())
    }
}

struct Shown<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Shown<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.0)
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, b"len=16").unwrap();
    let (writers, states) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ring = |users_write| Ring { page: page.clone(), users_write, writers: writers.clone(), states: states.clone() };
    let in_it = || {
        let mut bytes = [0; 6];
        page.read(0, &mut bytes).unwrap();
        bytes
    };
    let process = machine.process();
    let user = process.thread();

    // Asked for at once, it is refused before a state is made.
    let file = machine.open(ring(false));
    assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(Errno::EPERM));
    assert_eq!(states.load(SeqCst), 0);

    // Asked for later, by mprotect, here or in a child, it is refused as well. Without it a store is a SIGSEGV.
    let at = process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    let child = process.fork().unwrap();
    for process in [&process, &child] {
        let denied = process.mprotect(at, 4096, Prot::READ_WRITE).unwrap_err();
        assert_eq!(denied.errno(), Some(Errno::EACCES));
        assert_eq!(process.thread().write(at, b"len=99").unwrap_err().signal(), Some(Signal::Sigsegv(at)));
        assert_eq!(process.thread().read_u8(at), Ok(b'l'));
    }
    assert_eq!((&in_it(), writers.load(SeqCst)), (b"len=16", 0));

    // What the user of a private mapping writes are copies of his own.
    let own = process.mmap(&file, Map::private(4096)).unwrap();
    user.write(own, b"len=99").unwrap();
    assert_eq!((&in_it(), writers.load(SeqCst)), (b"len=16", 0));

    // A grant gives no more than the file was opened for.
    let file = machine.open_with(ring(true), OpenMode::ReadOnly);
    assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(Errno::EACCES));
    let at = process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    assert_eq!(process.mprotect(at, 4096, Prot::READ_WRITE).unwrap_err().errno(), Some(Errno::EACCES));
    assert_eq!(writers.load(SeqCst), 0);

    // With both, what is asked for now is not what may become of the mapping.
    let file = machine.open(ring(true));
    let at = process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    assert_eq!(writers.load(SeqCst), 1);
    process.mprotect(at, 4096, Prot::READ_WRITE).unwrap();
    user.write(at, b"len=32").unwrap();
    assert_eq!(&in_it(), b"len=32");
}
