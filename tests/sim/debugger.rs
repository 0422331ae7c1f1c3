//! A debugger's loads and stores: through pages where there are some, else through the `access` hook.

use std::sync::{Arc, Mutex};

use vmctx::{
    AccessCtx, Accessed, Direction, Errno, FaultCtx, FrameSource, Hooks, HugeFaultCtx, Iomem, Kind, Mapped, Mixed,
    MmapCtx, MmapFile, PageCount, PageOffset, PageRef, PfnMap, PfnMkwriteCtx, Platform, Release, Remapped, UserAddr,
    VmFault, VmOperations, Wraps, kind::FilledLater,
};
use vmctx_sim::{
    AccessError, DeviceMemory, File, Hook, Injection, Machine, Map, Page, Process, Prot, Signal, Sim, SyscallError,
};

use crate::{
    drivers::{PAGE, faulting, first_byte, number, open, page_at, pages, ring, share},
    users::errno,
};

/// What an access hook was told: the page, the byte in it, how many bytes, and whether to store.
type Log = Arc<Mutex<Vec<(usize, usize, usize, bool)>>>;

/// How the access hook answers.
type Answer<M> = for<'a> fn(&'a Reached<M>, AccessCtx<'a, Sim, M>) -> Result<Accessed<'a>, Errno>;

/// A mapping with an access hook, whose faults are served with device memory or fail.
struct Reached<M: Kind> {
    memory: DeviceMemory,
    pages: Vec<Page>,
    log: Log,
    answer: Answer<M>,
}

impl<M: Kind> Reached<M> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, M>) -> Result<Accessed<'a>, Errno> {
        self.log.lock().unwrap().push((ctx.pgoff().index(), ctx.offset_in_page(), ctx.len(), ctx.is_write()));
        (self.answer)(self, ctx)
    }
}

/// A kind whose faults can be served here, if only with an error.
trait Served: Kind {
    fn serve<'f>(state: &'f Reached<Self>, ctx: FaultCtx<'f, Sim, Self>) -> VmFault<'f> {
        let _ = state;
        ctx.fail(Errno::EIO)
    }
}

impl Served for Mixed {}
impl Served for Remapped {}
impl Served for PfnMap {
    fn serve<'f>(state: &'f Reached<Self>, ctx: FaultCtx<'f, Sim, Self>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| state.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

impl<M: Served> VmOperations for Reached<M> {
    type Platform = Sim;
    type Kind = M;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, M>) -> VmFault<'f> {
        M::serve(self, ctx)
    }
}

/// A device with an access hook, and what it was told.
struct Device {
    machine: Machine,
    memory: DeviceMemory,
    pages: Vec<Page>,
    log: Log,
}

const PAGES: usize = 3;

impl Device {
    /// Page `n` of the memory is full of `n + 1`, as page `n` of the pages is.
    fn new() -> Self {
        let machine = Machine::new();
        let memory = machine.device_memory(PageCount::new(PAGES)).unwrap();
        for page in 0..PAGES {
            Iomem::write(&memory, page * PAGE, &[number(page); PAGE]).unwrap();
        }
        let pages = pages(&machine, PAGES);
        Self { machine, memory, pages, log: Log::default() }
    }

    fn state<M: Kind>(&self, answer: Answer<M>) -> Reached<M> {
        Reached { memory: self.memory.clone(), pages: self.pages.clone(), log: Arc::clone(&self.log), answer }
    }

    /// A file whose mappings are made whole by their mmap hook.
    fn remapped(&self, answer: Answer<Remapped>) -> File {
        let state = share(&self.machine, self.state(answer));
        self.machine.open(Whole { memory: self.memory.clone(), state })
    }

    /// A file whose mappings are filled by faults.
    fn faulting<M: Served + FilledLater>(&self, answer: Answer<M>) -> File {
        let state = share(&self.machine, self.state(answer));
        open(&self.machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()))
    }

    fn told(&self) -> Vec<(usize, usize, usize, bool)> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn byte(&self, page: usize, at: usize) -> u8 {
        let mut byte = [0];
        Iomem::read(&self.memory, page * PAGE + at, &mut byte).unwrap();
        byte[0]
    }
}

struct Whole {
    memory: DeviceMemory,
    state: <Sim as Platform>::Ref<Reached<Remapped>>,
}

impl MmapFile for Whole {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let frames = self.memory.range(PageOffset::ZERO, PageCount::new(PAGES)).ok_or(Errno::ENXIO)?;
        ctx.writable().establish_shared(self.state.clone())?.remap_at_pgoff(frames)
    }
}

fn at(address: UserAddr, bytes: usize) -> UserAddr {
    UserAddr::new(address.get() + bytes)
}

fn peek(process: &Process, address: UserAddr, len: usize) -> (Result<(), SyscallError>, Vec<u8>) {
    let mut bytes = vec![0xee; len];
    let peeked = process.peek(address, &mut bytes);
    (peeked, bytes)
}

#[test]
fn a_debugger_sees_what_the_user_sees() {
    let device = Device::new();
    let process = device.machine.process();
    let base = process.mmap(&device.remapped(|_, ctx| ctx.copy_mapped()), Map::shared(PAGES * PAGE)).unwrap();
    process.thread().write(at(base, 5), &[0x55]).unwrap();
    let (peeked, bytes) = peek(&process, at(base, 4), 3);
    assert_eq!((peeked, bytes), (Ok(()), vec![1, 0x55, 1]));
    assert_eq!(device.told(), [(0, 4, 3, false)]);

    process.poke(at(base, PAGE + 1), &[7, 8]).unwrap();
    assert_eq!((device.byte(1, 0), device.byte(1, 1), device.byte(1, 2), device.byte(1, 3)), (2, 7, 8, 2));
    assert_eq!(process.thread().read_u8(at(base, PAGE + 2)), Ok(8));
    assert_eq!(device.told(), [(1, 1, 2, true)]);
}

#[test]
fn each_page_is_asked_for_on_its_own_and_nothing_behind_the_mapping() {
    let device = Device::new();
    let process = device.machine.process();
    let file = device.remapped(|_, ctx| ctx.copy_mapped());
    // The object goes on behind the mapping: what lies there is not this user's.
    let base = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let (peeked, bytes) = peek(&process, at(base, PAGE - 2), PAGE + 5);
    assert_eq!(peeked.map_err(|error| error.errno()), Err(Some(Errno::EIO)), "it ends with the mapping");
    let mut expected = vec![1, 1];
    expected.extend([2; PAGE]);
    expected.extend([0xee; 3]);
    assert!(bytes == expected, "what lies inside, and nothing else");
    assert_eq!(device.told(), [(0, PAGE - 2, 2, false), (1, 0, PAGE, false)]);

    assert_eq!(errno(process.poke(at(base, 2 * PAGE - 1), &[9, 9, 9])), Errno::EIO);
    assert_eq!((device.byte(1, PAGE - 1), device.byte(2, 0)), (9, 3), "stored inside, and not behind");
    assert_eq!(device.told(), [(1, PAGE - 1, 1, true)]);
    for outside in [at(base, 2 * PAGE), UserAddr::new(base.get() - 1), UserAddr::new(usize::MAX)] {
        assert_eq!(errno(process.peek(outside, &mut [0])), Errno::EIO);
        assert_eq!(errno(process.poke(outside, &[0])), Errno::EIO);
    }
    assert_eq!(process.peek(base, &mut []), Ok(()));
    assert_eq!(process.poke(base, &[]), Ok(()));
    assert_eq!(device.told(), [], "nobody was asked");
}

#[test]
fn a_debugger_does_not_store_where_the_user_may_not() {
    let device = Device::new();
    let process = device.machine.process();
    let file = device.remapped(|state, ctx| ctx.copy_iomem(&state.memory, ctx.pgoff()));
    let base = process.mmap(&file, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(errno(process.poke(base, &[9])), Errno::EIO);
    assert_eq!((device.byte(0, 0), device.told()), (1, vec![]), "the hook is not asked");
    assert_eq!(process.mprotect(base, PAGE, Prot::READ | Prot::WRITE), Ok(()));
    assert_eq!(process.poke(base, &[9]), Ok(()));
    assert_eq!((device.byte(0, 0), device.told()), (9, vec![(0, 0, 1, true)]));
    assert_eq!(process.mprotect(base, PAGE, Prot::READ), Ok(()));
    assert_eq!(errno(process.poke(base, &[8])), Errno::EIO);
    assert_eq!(device.byte(0, 0), 9);
    // A load can be forced where mprotect could allow it.
    assert_eq!(process.mprotect(base, PAGE, Prot::NONE), Ok(()));
    assert_eq!(peek(&process, base, 1), (Ok(()), vec![9]));
}

/// A private mapping is copied when its user stores. The device's memory is not for a debugger to change through it.
#[test]
fn a_debugger_does_not_store_through_a_private_mapping() {
    let device = Device::new();
    let process = device.machine.process();
    let base = process.mmap(&device.remapped(|_, ctx| ctx.copy_mapped()), Map::private(PAGES * PAGE)).unwrap();
    assert_eq!(peek(&process, base, 1), (Ok(()), vec![1]));
    assert_eq!(device.told().len(), 1);
    assert_eq!(errno(process.poke(base, &[9])), Errno::EIO);
    process.thread().write_u8(base, 0x77).unwrap();
    assert_eq!(errno(process.poke(base, &[9])), Errno::EIO);
    assert_eq!((device.byte(0, 0), device.told()), (1, vec![]), "the hook is not asked");
    // The copy is RAM, which `ioremap` does not reach.
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(device.told().len(), 1);
    assert_eq!(peek(&process, page_at(base, 1), 1), (Ok(()), vec![2]));
}

/// `no_read` is for debuggers, too.
#[test]
fn a_debugger_does_not_load_where_nobody_may() {
    struct Secret(<Sim as Platform>::Ref<Reached<PfnMap>>);
    impl MmapFile for Secret {
        type Platform = Sim;

        fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
            Ok(ctx.no_read()?.writable().establish_shared(self.0.clone())?.fill_later())
        }
    }
    let device = Device::new();
    let process = device.machine.process();
    let state = share(&device.machine, device.state::<PfnMap>(|state, ctx| ctx.copy_iomem(&state.memory, ctx.pgoff())));
    let base = process.mmap(&device.machine.open(Secret(state)), Map::shared(PAGE).prot(Prot::WRITE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(device.told(), []);
    assert_eq!(process.poke(base, &[9]), Ok(()));
    assert_eq!(device.byte(0, 0), 9);
}

#[test]
fn without_the_hook_frames_are_out_of_reach() {
    let machine = Machine::new();
    let process = machine.process();
    let asked = Arc::new(Mutex::new(0));
    let file = faulting::<PfnMap, _, _>(&machine, {
        let asked = Arc::clone(&asked);
        move |ctx| {
            *asked.lock().unwrap() += 1;
            ctx.fail(Errno::ENXIO)
        }
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(errno(process.poke(base, &[0])), Errno::EIO);
    assert_eq!(*asked.lock().unwrap(), 0, "VM_PFNMAP is looked at first: not even the fault hook is asked");
}

/// What is not mapped (yet) is not what the user sees. Nobody faults it in for a debugger.
#[test]
fn only_what_is_mapped_is_copied_from_the_page_tables() {
    let device = Device::new();
    let process = device.machine.process();
    let base = process.mmap(&device.faulting::<PfnMap>(|_, ctx| ctx.copy_mapped()), Map::shared(PAGE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(process.mapped_pages(base, PAGE), 0);
    assert_eq!(process.thread().read_u8(base), Ok(1));
    assert_eq!(peek(&process, base, 1), (Ok(()), vec![1]));
    process.poke(base, &[9]).unwrap();
    assert_eq!(process.thread().read_u8(base), Ok(9));
}

/// A store that `pfn_mkwrite` was not asked about does not happen behind its back.
#[test]
fn a_store_is_not_copied_past_pfn_mkwrite() {
    struct Told(DeviceMemory);
    impl Told {
        fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            ctx.allow()
        }

        fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, PfnMap>) -> Result<Accessed<'a>, Errno> {
            ctx.copy_mapped()
        }
    }
    impl VmOperations for Told {
        type Platform = Sim;
        type Kind = PfnMap;
        const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite).access(Self::access);

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }
    }
    let machine = Machine::new();
    let process = machine.process();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    let state = share(&machine, Told(memory));
    let file = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(base), Ok(0));
    assert_eq!(errno(process.poke(base, &[9])), Errno::EIO);
    assert_eq!(process.thread().read_u8(base), Ok(0));
    process.thread().write_u8(base, 1).unwrap();
    assert_eq!(process.poke(base, &[9]), Ok(()));
    assert_eq!(process.thread().read_u8(base), Ok(9));
}

/// Pages need no hook. Where the fault fails it is asked, and reaches what users do not.
#[test]
fn pages_are_reached_without_the_hook_and_failed_faults_with_it() {
    let machine = Machine::new();
    let process = machine.process();
    let own = pages(&machine, 2);
    let base = process.mmap(&ring(&machine, &own), Map::shared(3 * PAGE)).unwrap();
    process.poke(at(base, PAGE - 1), &[8, 9]).unwrap();
    assert_eq!(peek(&process, at(base, PAGE - 2), 4), (Ok(()), vec![1, 8, 9, 2]));
    assert_eq!(first_byte(&own[1]), 9);
    let (peeked, bytes) = peek(&process, at(base, 2 * PAGE - 1), 2);
    assert_eq!((peeked.map_err(|error| error.errno()), bytes), (Err(Some(Errno::EIO)), vec![2, 0xee]));

    let device = Device::new();
    let process = device.machine.process();
    let file = device.faulting::<Mixed>(|state, ctx| ctx.copy_page(ctx.pgoff().of(&state.pages).ok_or(Errno::ENXIO)?));
    let base = process.mmap(&file, Map::shared((PAGES + 1) * PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(base), Err(AccessError::Signal(Signal::Sigbus(base))));
    assert_eq!(peek(&process, at(base, PAGE - 1), 2), (Ok(()), vec![1, 2]));
    process.poke(at(base, 3), &[4]).unwrap();
    let mut byte = [0];
    device.pages[0].read(3, &mut byte).unwrap();
    assert_eq!(byte, [4]);
    assert_eq!(errno(process.peek(page_at(base, PAGES), &mut [0])), Errno::EIO, "what the driver refuses");
}

/// A debugger's fault keeps its lock, and does not come from user mode.
#[test]
fn a_debuggers_fault_is_not_the_users() {
    let machine = Machine::new();
    let process = machine.process();
    let page = pages(&machine, 1).remove(0);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let file = faulting::<Mixed, _, _>(&machine, {
        let seen = Arc::clone(&seen);
        move |ctx| {
            let (is_user, is_write) = (ctx.is_user(), ctx.is_write());
            match ctx.release() {
                Release::Keep(ctx) => {
                    seen.lock().unwrap().push((is_user, is_write));
                    ctx.insert_page(&page)
                }
                Release::NoWait(answer) => answer,
                Release::Released(released) => released.retry(),
            }
        }
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.poke(base, &[9]).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(false, true)]);
}

/// Only a fault that has given up its lock is tried again. One that is repeated is another fault.
#[test]
fn a_debuggers_fault_that_is_repeated_is_a_new_one() {
    let machine = Machine::new();
    let process = machine.process();
    let page = pages(&machine, 1).remove(0);
    let tried = Arc::new(Mutex::new(Vec::new()));
    let file = faulting::<Mixed, _, _>(&machine, {
        let tried = Arc::clone(&tried);
        move |ctx| {
            let mut tried = tried.lock().unwrap();
            tried.push(ctx.is_tried());
            if tried.len() < 3 { ctx.fail_or_refault(Errno::EAGAIN) } else { ctx.insert_page(&page) }
        }
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    // What happens to a user's fault does not happen to this one.
    let injected = machine.inject(Injection::RetryNoWait);
    process.poke(base, &[9]).unwrap();
    assert_eq!((&*tried.lock().unwrap(), injected.has_happened()), (&vec![false; 3], false));
}

/// `FOLL_FORCE`: a breakpoint in what the user may only read. The object stays as it is, and the user gets no right.
#[test]
fn a_store_is_forced_into_a_private_copy_only() {
    let machine = Machine::new();
    let process = machine.process();
    let own = pages(&machine, 2);
    let base = process.mmap(&ring(&machine, &own), Map::private(2 * PAGE).prot(Prot::READ)).unwrap();
    // The first page is there already, the second is not.
    assert_eq!(process.thread().read_u8(base), Ok(1));
    process.poke(at(base, PAGE - 1), &[0xcc, 0xcd]).unwrap();
    process.poke(at(base, PAGE - 1), &[0xce]).unwrap();
    let mut bytes = [0; 2];
    process.thread().read(at(base, PAGE - 1), &mut bytes).unwrap();
    assert_eq!(bytes, [0xce, 0xcd]);
    assert_eq!((first_byte(&own[0]), first_byte(&own[1])), (1, 2));
    let mut last = [0];
    own[0].read(PAGE - 1, &mut last).unwrap();
    assert_eq!(last, [1], "the object is not written");
    assert_eq!(process.thread().write_u8(base, 1), Err(AccessError::Signal(Signal::Sigsegv(base))));

    // Where the user may not even read, a debugger may.
    process.mprotect(base, 2 * PAGE, Prot::NONE).unwrap();
    assert_eq!(peek(&process, at(base, PAGE - 1), 2), (Ok(()), vec![0xce, 0xcd]));

    // In a shared mapping there is no copy to force it into.
    let shared = process.mmap(&ring(&machine, &own), Map::shared(PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(errno(process.poke(shared, &[9])), Errno::EIO);
    assert_eq!(first_byte(&own[0]), 1);
}

/// Memory behind a window of three bytes. The driver can say neither more than was asked for, nor more than it copied.
#[test]
fn what_was_copied_is_counted() {
    let device = Device::new();
    let process = device.machine.process();
    let file = device.faulting::<PfnMap>(|state, ctx| {
        let (page, at, wanted) = (ctx.pgoff().index(), ctx.offset_in_page(), ctx.len());
        let offset = page * PAGE + at;
        match ctx.direction() {
            Direction::Read(into) => {
                // More than was asked for, at the end of what is.
                let mut window = [0; 3];
                let _ = Iomem::read(&state.memory, offset, &mut window);
                Ok(into.copy_from_slice(&window))
            }
            Direction::Write(from) => {
                let mut window = [0; 3];
                let copied = from.copy_to_slice(&mut window);
                Iomem::write(&state.memory, offset, &window[..wanted.min(3)]).map_err(|_| Errno::EIO)?;
                Ok(copied)
            }
        }
    });
    let base = process.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    process.poke(base, &[10, 11, 12, 13, 14, 15, 16]).unwrap();
    assert_eq!(device.told(), [(0, 0, 7, true), (0, 3, 4, true), (0, 6, 1, true)]);
    assert_eq!((device.byte(0, 6), device.byte(0, 7)), (16, 1));
    assert_eq!(peek(&process, at(base, 1), 5), (Ok(()), vec![11, 12, 13, 14, 15]));
    assert_eq!(device.told(), [(0, 1, 5, false), (0, 4, 2, false)]);
}

/// Nothing copied is the end, as it is in Linux.
#[test]
fn an_access_of_no_bytes_ends_it() {
    let device = Device::new();
    let process = device.machine.process();
    let file = device.faulting::<PfnMap>(|_, ctx| match ctx.direction() {
        Direction::Read(into) => Ok(into.copy_from_slice(&[])),
        Direction::Write(from) => Ok(from.copy_to_slice(&mut [])),
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0; 4])), Errno::EIO);
    assert_eq!(errno(process.poke(base, &[0; 4])), Errno::EIO);
    assert_eq!(device.told().len(), 2);
}

/// A wrapper passes the hook on, exactly if it is there.
#[test]
fn a_wrapper_passes_it_on() {
    struct Wrapper(Reached<PfnMap>);
    impl VmOperations for Wrapper {
        type Platform = Sim;
        type Kind = PfnMap;
        const HOOKS: Hooks<Self> = Hooks::of_inner();
    }
    impl Wraps for Wrapper {
        type Inner = Reached<PfnMap>;

        fn inner(&self) -> &Reached<PfnMap> {
            &self.0
        }
    }
    let device = Device::new();
    let process = device.machine.process();
    let state = share(&device.machine, Wrapper(device.state(|state, ctx| ctx.copy_iomem(&state.memory, ctx.pgoff()))));
    let file = open(&device.machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(peek(&process, base, 2), (Ok(()), vec![1, 1]));
    assert_eq!(device.told(), [(0, 0, 2, false)]);
}

/// A large entry maps frames, which are reached one by one.
#[test]
fn a_large_entry_is_reached() {
    struct Large(DeviceMemory);
    impl Large {
        fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            ctx.insert_huge_with(|_, entry| entry.of(&self.0))
        }

        fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, PfnMap>) -> Result<Accessed<'a>, Errno> {
            ctx.copy_mapped()
        }
    }
    impl VmOperations for Large {
        type Platform = Sim;
        type Kind = PfnMap;
        const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).access(Self::access);
    }
    const HUGE: usize = 512;
    let machine = Machine::new();
    let process = machine.process();
    let memory = machine.device_memory(PageCount::new(HUGE)).unwrap();
    Iomem::write(&memory, 300 * PAGE + 7, &[0x5a]).unwrap();
    let state = share(&machine, Large(memory));
    let file = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    let base = process.mmap(&file, Map::shared(HUGE * PAGE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO, "nothing is mapped yet");
    process.thread().read_u8(base).unwrap();
    assert!(process.is_huge_at(base));
    assert_eq!(peek(&process, at(base, 300 * PAGE + 7), 1), (Ok(()), vec![0x5a]));
    assert_eq!(process.poke(at(base, 1), &[3]), Ok(()));
    assert_eq!(process.thread().read_u8(at(base, 1)), Ok(3));
}

/// Nobody is a debugger inside a hook: the mmap lock is held there.
#[test]
fn not_from_inside_a_hook() {
    let machine = Machine::new();
    let process = machine.process();
    let page = pages(&machine, 1).remove(0);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let file = faulting::<Mixed, _, _>(&machine, {
        let (process, seen) = (process.clone(), Arc::clone(&seen));
        move |ctx| {
            let mut seen = seen.lock().unwrap();
            seen.push(process.peek(UserAddr::new(0), &mut [0]));
            seen.push(process.poke(UserAddr::new(0), &[0]));
            ctx.insert_page(&page)
        }
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().read_u8(base).unwrap();
    let inside = Err(SyscallError::InsideHook { hook: Hook::Fault });
    assert_eq!(*seen.lock().unwrap(), [inside, inside]);

    // And the access hook is one: it may touch no user memory, with the other process's lock held.
    let device = Device::new();
    let process = device.machine.process();
    let touched = Arc::new(Mutex::new(None));
    struct Touches(Arc<Mutex<Option<Result<u8, AccessError>>>>, Mutex<Option<(Process, UserAddr)>>);
    impl Touches {
        fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, PfnMap>) -> Result<Accessed<'a>, Errno> {
            let _ = ctx.may_sleep();
            if let Some((process, address)) = &*self.1.lock().unwrap() {
                *self.0.lock().unwrap() = Some(process.thread().read_u8(*address));
            }
            Err(Errno::EIO)
        }
    }
    impl VmOperations for Touches {
        type Platform = Sim;
        type Kind = PfnMap;
        const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
    }
    let state = share(&device.machine, Touches(Arc::clone(&touched), Mutex::new(None)));
    let file = open(&device.machine, {
        let state = state.clone();
        move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later())
    });
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    *state.1.lock().unwrap() = Some((process.clone(), base));
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(*touched.lock().unwrap(), Some(Err(AccessError::InsideHook { hook: Hook::Access, address: base })));
    *state.1.lock().unwrap() = None;
}

/// In a mapping with pages, too, a device's frame is none. The zero page is one, to load from.
#[test]
fn a_frame_among_pages_is_no_page() {
    struct Both(DeviceMemory, Log);
    impl Both {
        fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, Mixed>) -> Result<Accessed<'a>, Errno> {
            self.1.lock().unwrap().push((ctx.pgoff().index(), ctx.offset_in_page(), ctx.len(), ctx.is_write()));
            Err(Errno::EPERM)
        }
    }
    impl VmOperations for Both {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            match self.0.frame(ctx.pgoff()) {
                Some(frame) => ctx.insert_mixed(frame),
                None => ctx.insert_zero_page(),
            }
        }
    }
    let device = Device::new();
    let process = device.machine.process();
    let state = share(&device.machine, Both(device.memory.clone(), Arc::clone(&device.log)));
    // Nobody may ever write, or the zero page could not be inserted.
    let file = open(&device.machine, move |ctx| Ok(ctx.establish_shared(state.clone())?.fill_later()));
    let map = Map::shared((PAGES + 1) * PAGE).prot(Prot::READ);
    let base = process.mmap(&file, map).unwrap();
    assert_eq!(process.thread().read_u8(base), Ok(1));
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(errno(process.peek(page_at(base, 1), &mut [0])), Errno::EIO, "nor one that the fault has just brought");
    assert_eq!(device.told(), [(0, 0, 1, false), (1, 0, 1, false)]);
    assert_eq!(peek(&process, page_at(base, PAGES), 2), (Ok(()), vec![0, 0]));
    assert_eq!(device.told(), []);
}

/// A copy whose open hook has failed has nothing to show, to a debugger neither.
#[test]
fn a_child_whose_open_fails_is_not_asked() {
    struct Refuses(Log);
    impl VmOperations for Refuses {
        type Platform = Sim;
        type Kind = PfnMap;
        const HOOKS: Hooks<Self> = Hooks::NONE
            .open(|refuses: &Self| if refuses.0.lock().unwrap().is_empty() { Ok(()) } else { Err(Errno::EMFILE) })
            .access(|refuses, ctx| {
                refuses.0.lock().unwrap().push((ctx.pgoff().index(), ctx.offset_in_page(), ctx.len(), ctx.is_write()));
                Err(Errno::EPERM)
            });
    }
    let machine = Machine::new();
    let (process, log) = (machine.process(), Log::default());
    let state = share(&machine, Refuses(Arc::clone(&log)));
    let file = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    let base = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(errno(process.peek(base, &mut [0])), Errno::EIO);
    let child = process.fork().unwrap();
    assert_eq!(errno(child.peek(base, &mut [0])), Errno::EIO);
    assert_eq!(*log.lock().unwrap(), [(0, 0, 1, false)], "only the one that agreed was asked");
}
