//! The kit for driver authors: what was called, whether an error has happened, what is left, and where a thread is held.

use std::thread;

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, VmFault, VmOperations,
    platform::{FaultCode, VmFlags},
};
use vmctx_sim::{Answer, HoldAt, Hook, Injection, Machine, Map, Page, Prot, Ref, Sim, SweepError, pass, sweep};

use crate::drivers::{PAGE, open, page_at, pages, ring};

/// Two pages and a hole behind them, with hooks that agree to everything but a cut behind the first page.
struct Hooked(Vec<Page>);

impl VmOperations for Hooked {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|_| Ok(()))
        .close(|_| ())
        .may_split(|_, at| if at == PageOffset::new(1) { Err(Errno::EINVAL) } else { Ok(()) });

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        pass("in the fault hook");
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

struct Device(Ref<Hooked>);

impl MmapFile for Device {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

#[test]
fn a_trace_has_each_call_with_its_pages_and_its_answer() {
    let machine = Machine::new();
    let file = machine.open(Device(Ref::new(Hooked(pages(&machine, 2)))));
    let process = machine.process();
    let trace = machine.trace();
    let at = process.mmap(&file, Map::shared(3 * PAGE).pgoff(PageOffset::new(0))).unwrap();
    process.thread().read_u8(page_at(at, 1)).unwrap();
    process.thread().read_u8(page_at(at, 2)).unwrap_err();
    process.munmap(at, PAGE).unwrap_err();
    process.munmap(page_at(at, 2), PAGE).unwrap();
    let called: Vec<_> = trace.take().iter().map(ToString::to_string).collect();
    let [first, second, third] = [0, 1, 2].map(|page| page_at(at, page));
    let expected = [
        format!("open at {first}, pages 0..3: done"),
        format!("mmap at {first}, pages 0..3: done"),
        format!("fault at {second}, pages 1..2: NOPAGE"),
        format!("fault at {third}, pages 2..3: SIGBUS"),
        format!("may_split at {second}, pages 1..1: EINVAL: invalid argument"),
        format!("may_split at {third}, pages 2..2: done"),
        format!("open at {third}, pages 2..3: done"),
        format!("close at {third}, pages 2..3: done"),
    ];
    assert_eq!(called, expected);

    // What happens on other machines, and after the trace, is not in it.
    let other = Machine::new();
    let elsewhere = other.process();
    let there = elsewhere.mmap(&other.open(Device(Ref::new(Hooked(Vec::new())))), Map::shared(PAGE)).unwrap();
    elsewhere.munmap(there, PAGE).unwrap();
    assert_eq!(trace.answers(), []);
    drop(trace);
    process.exit().unwrap();
}

#[test]
fn two_traces_have_what_happens_while_they_are_there() {
    let machine = Machine::new();
    let file = ring(&machine, &pages(&machine, 1));
    let process = machine.process();
    let outer = machine.trace();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let inner = machine.trace();
    process.thread().read_u8(at).unwrap();
    let fault = (Hook::Fault, Answer::Fault(FaultCode::NOPAGE));
    assert_eq!(inner.answers(), [fault]);
    assert_eq!(outer.answers(), [(Hook::Mmap, Answer::Done), fault]);
    drop(inner);
    process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(outer.answers(), [(Hook::Mmap, Answer::Done)]);
}

#[test]
fn a_mappings_flags_are_those_that_its_hook_and_mprotect_have_made() {
    let machine = Machine::new();
    let file = ring(&machine, &pages(&machine, 2));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let flags = |page| process.vm_flags_at(page_at(at, page)).unwrap();
    let kind = VmFlags::MIXEDMAP | VmFlags::DONTEXPAND;
    assert!(flags(0).unwrap().contains(kind | VmFlags::SHARED | VmFlags::READ | VmFlags::WRITE));
    process.mprotect(page_at(at, 1), PAGE, Prot::READ).unwrap();
    assert!(flags(0).unwrap().contains(VmFlags::WRITE));
    assert!(!flags(1).unwrap().contains(VmFlags::WRITE) && flags(1).unwrap().contains(VmFlags::MAYWRITE));
    assert_eq!(flags(2), None);
}

#[test]
fn an_error_that_is_not_met_has_not_happened() {
    let machine = Machine::new();
    let file = ring(&machine, &pages(&machine, 2));
    let process = machine.process();
    let injected = [0, 1, 2].map(|after| machine.inject(Injection::Insertion { after, errno: Errno::ENXIO }));
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    for page in 0..2 {
        process.thread().read_u8(page_at(at, page)).unwrap_err();
    }
    assert_eq!(injected.map(|injected| injected.has_happened()), [true, true, false]);
}

/// Forgets the page that it could not insert, as C does that has no `put_page` on its way out.
#[test]
fn a_sweep_finds_the_step_after_which_a_page_is_forgotten() {
    let run = |machine: &Machine, forgets: bool| {
        let memory = machine.clone();
        let file = open(machine, move |ctx| {
            let mut ctx = ctx.without_faults::<Mixed>()?;
            while !ctx.is_full() {
                let page = memory.alloc_page()?;
                ctx = ctx.insert_page(&page).inspect_err(|_| {
                    if forgets {
                        std::mem::forget(page.clone());
                    }
                })?;
            }
            ctx.finish()
        });
        let process = machine.process();
        let _ = process.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ));
    };
    // Two frames, a page table, a VMA, and two insertions with three errnos.
    assert_eq!(sweep(|machine| run(machine, false)), Ok(10));
    let SweepError { injection, leaks } = sweep(|machine| run(machine, true)).unwrap_err();
    assert_eq!(injection, Injection::PageTableAllocation { after: 0 });
    assert_eq!((leaks.frames, leaks.references, leaks.page_tables), (1, 1, 0));
}

#[test]
fn a_thread_is_held_before_a_hook_and_at_a_point_with_a_name() {
    let machine = Machine::new();
    let state = Ref::new(Hooked(pages(&machine, 2)));
    let file = machine.open(Device(state));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    for (page, point) in [HoldAt::Hook(Hook::Fault), HoldAt::Named("in the fault hook")].into_iter().enumerate() {
        let trace = machine.trace();
        let hold = machine.hold(point);
        assert!(!hold.is_reached());
        thread::scope(|scope| {
            let load = scope.spawn(|| process.thread().read_u8(page_at(at, page)));
            hold.reached();
            assert!(hold.is_reached());
            // The hook has not answered, and the mmap lock is held.
            assert_eq!(trace.answers(), []);
            assert_eq!(process.mapped_pages(page_at(at, page), PAGE).get(), 0);
            hold.go_on();
            load.join().unwrap().unwrap();
        });
        assert_eq!(trace.answers(), [(Hook::Fault, Answer::Fault(FaultCode::NOPAGE))]);
    }
}
