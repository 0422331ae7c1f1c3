//! G23: writers are counted by the state of the mapping, which knows whether it is one: a map that a user may store to
//! is not frozen, and one that is frozen is only read, whoever has it mapped (kernel/bpf/syscall.c).
#![forbid(unsafe_code)]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use vmctx::{Errno, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Mutex, Platform, UserAddr, VmOperations};
use vmctx_sim::{Machine, Map, Prot, Sim};

/// `struct bpf_map`
struct Array<P: Platform> {
    pages: Vec<P::Page>,
    writers: AtomicUsize,
    /// Held while it is decided whether there is a writer more, or none any more (`freeze_mutex`).
    frozen: P::Mutex<bool>,
}

impl<P: Platform> Array<P> {
    /// `map_freeze`
    fn freeze(&self, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut frozen = self.frozen.lock(may_sleep);
        if *frozen || self.writers.load(SeqCst) != 0 {
            return Err(Errno::EBUSY);
        }
        *frozen = true;
        Ok(())
    }
}

/// One of its open files.
struct File<P: Platform>(P::Ref<Array<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    /// `bpf_map_mmap`, `array_map_mmap`
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let array = &self.0;
        let mut ctx = ctx.shared_only()?.no_exec()?;
        let frozen = array.frozen.lock(ctx.may_sleep());
        if ctx.is_writable() {
            if *frozen {
                return Err(Errno::EPERM);
            }
            ctx = ctx.writable();
        }
        let ctx = ctx.establish_with(|ctx| Ok(View::new(array.clone(), ctx.may_be_written())))?;
        ctx.fill_at_pgoff(&array.pages)
    }
}

/// One mapping: all VMAs that fork and cuts make of it.
struct View<P: Platform> {
    array: P::Ref<Array<P>>,
    writes: bool,
}

impl<P: Platform> View<P> {
    fn new(array: P::Ref<Array<P>>, writes: bool) -> Self {
        array.writers.fetch_add(usize::from(writes), SeqCst);
        Self { array, writes }
    }
}

impl<P: Platform> Drop for View<P> {
    fn drop(&mut self) {
        self.array.writers.fetch_sub(usize::from(self.writes), SeqCst);
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {
    let machine = Machine::new();
    let pages = (0..2).map(|_| machine.alloc_page().unwrap()).collect();
    let frozen = <Sim as Platform>::Mutex::new(false, machine.may_sleep()).unwrap();
    let array = Array::<Sim> { pages, writers: AtomicUsize::new(0), frozen };
    let array = Sim::share(array, machine.may_sleep()).unwrap();
    let (file, process) = (machine.open(File(array.clone())), machine.process());
    let freeze = || array.freeze(machine.may_sleep());

    let reader = process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    let writer = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    // A mmap that fails is nobody's: the map has no third page.
    assert_eq!(process.mmap(&file, Map::shared(3 * 4096)).unwrap_err().errno(), Some(Errno::ENXIO));

    // It is cut and forked, and its rest is for reading now, which mprotect can change again.
    process.munmap(writer, 4096).unwrap();
    let child = process.fork().unwrap();
    let rest = UserAddr::new(writer.get() + 4096);
    process.mprotect(rest, 4096, Prot::READ).unwrap();
    assert_eq!(freeze(), Err(Errno::EBUSY));
    process.munmap(rest, 4096).unwrap();
    assert_eq!(freeze(), Err(Errno::EBUSY));
    child.exit().unwrap();
    freeze().unwrap();

    let both = Prot::READ | Prot::WRITE;
    assert_eq!(process.mprotect(reader, 4096, both).unwrap_err().errno(), Some(Errno::EACCES));
    assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(Errno::EPERM));
    process.mmap(&file, Map::shared(4096).prot(Prot::READ)).unwrap();
    assert!(machine.reports().is_empty());
}
