//! All the mappings of one object, and its revocation under the driver's own lock.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem as _, Mapped, Mappings, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
    Platform, RwLock as _, VmFault, VmOperations,
};
use vmctx_sim::{DeviceMemory, Machine, Map, Signal, Sim};

use crate::{
    drivers::{PAGE, page_at},
    users::in_threads,
};

/// A BAR that can be switched off while users have it mapped.
struct Bar {
    memory: DeviceMemory,
    on: <Sim as Platform>::RwLock<bool>,
    mappings: Mappings<Sim>,
}

impl Bar {
    fn new(machine: &Machine, pages: usize) -> Arc<Self> {
        let memory = machine.device_memory(PageCount::new(pages)).unwrap();
        let on = vmctx::RwLock::new(true, machine.may_sleep()).unwrap();
        Arc::new(Self { memory, on, mappings: Mappings::new(machine.may_sleep()).unwrap() })
    }

    fn switch(&self, to: bool, machine: &Machine) {
        let mut on = self.on.write(machine.may_sleep());
        *on = to;
        self.mappings.unmap(PageOffset::ZERO, FrameSource::count(&self.memory), machine.may_sleep());
    }
}

/// One of its open files: all are of the same object, or, to be wrong, of none.
struct Opened {
    bar: Arc<Bar>,
    is_of_it: bool,
}

impl MmapFile for Opened {
    type Platform = Sim;

    fn mappings(&self) -> Option<&Mappings<Sim>> {
        self.is_of_it.then_some(&self.bar.mappings)
    }

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.establish_shared(Arc::clone(&self.bar))?.fill_later())
    }
}

impl VmOperations for Bar {
    type Platform = Sim;
    type Mapping = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        match self.memory.frame(ctx.pgoff()) {
            Some(frame) if *on => ctx.insert_pfn(frame),
            _ => ctx.fail(Errno::EIO),
        }
    }
}

#[test]
fn unmapping_reaches_every_file_of_the_object_in_every_process() {
    let machine = Machine::new();
    let bar = Bar::new(&machine, 4);
    let open = |is_of_it| machine.open(Opened { bar: Arc::clone(&bar), is_of_it });
    let (first, second, stranger) = (open(true), open(true), open(false));
    let (one, two) = (machine.process(), machine.process());
    let in_one = one.mmap(&first, Map::shared(4 * PAGE)).unwrap();
    let in_two = two.mmap(&second, Map::shared(2 * PAGE).pgoff(PageOffset::new(2))).unwrap();
    let strange = two.mmap(&stranger, Map::shared(4 * PAGE)).unwrap();
    let child = one.fork().unwrap();
    assert_eq!((first.mapping_count(), second.mapping_count(), stranger.mapping_count()), (3, 3, 1));
    for page in 0..4 {
        one.thread().write_u8(page_at(in_one, page), 1).unwrap();
        child.thread().read_u8(page_at(in_one, page)).unwrap();
        two.thread().read_u8(page_at(strange, page)).unwrap();
    }
    two.thread().read_u8(in_two).unwrap();
    let mapped = || {
        [(&one, in_one), (&child, in_one), (&two, in_two), (&two, strange)]
            .map(|(process, at)| process.mapped_pages(at, 4 * PAGE).get())
    };
    assert_eq!(mapped(), [4, 4, 1, 4]);

    bar.mappings.unmap(PageOffset::new(1), PageCount::ZERO, machine.may_sleep());
    assert_eq!(mapped(), [4, 4, 1, 4], "no pages are not all pages");
    bar.mappings.unmap(PageOffset::new(1), PageCount::new(2), machine.may_sleep());
    assert_eq!(mapped(), [2, 2, 0, 4]);
    // The next touch faults.
    assert_eq!(two.thread().read_u8(in_two), Ok(1));
    drop(child);
    one.munmap(in_one, PAGE).unwrap();
    assert_eq!(first.mapping_count(), 2);
}

#[test]
fn what_was_switched_off_under_the_drivers_lock_is_seen_by_nobody() {
    let machine = Machine::new();
    let bar = Bar::new(&machine, 1);
    let file = machine.open(Opened { bar: Arc::clone(&bar), is_of_it: true });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    // While it is off its memory reads as something else.
    let (running, seen) = (AtomicUsize::new(3), AtomicUsize::new(0));
    in_threads(&process, 4, |thread, user| {
        if thread == 3 {
            while running.load(Ordering::SeqCst) != 0 {
                bar.switch(false, &machine);
                bar.memory.write(0, &[0xee]).unwrap();
                bar.memory.write(0, &[0]).unwrap();
                bar.switch(true, &machine);
            }
            return;
        }
        for _ in 0..2000 {
            match user.read_u8(at) {
                Ok(byte) => seen.fetch_or(usize::from(byte), Ordering::Relaxed),
                Err(error) => {
                    assert_eq!(error.signal(), Some(Signal::Sigbus(at)));
                    0
                }
            };
        }
        running.fetch_sub(1, Ordering::SeqCst);
    });
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    bar.switch(false, &machine);
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
}
