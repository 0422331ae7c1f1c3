//! `open` and `close`: what a driver is told of the VMAs that share a state, and one that it does not agree to.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use vmctx::{Errno, FaultCtx, Hooks, Mixed, PageCount, UserAddr, VmFault, VmOperations, Wraps};
use vmctx_sim::{AccessError, File, Hook, Machine, Map, Page, Process, Prot, Signal, Sim, SyscallError};

use crate::{
    drivers::{OnDrop, PAGE, open, page_at, pages, ring},
    users::errno,
};

/// What happened.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// A mapping whose driver keeps a log.
struct Logged {
    pages: Vec<Page>,
    log: Log,
    refuses: Arc<Mutex<bool>>,
    inside: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Logged {
    fn note(&self, what: &'static str) {
        if let Some(inside) = &self.inside {
            inside();
        }
        self.log.lock().unwrap().push(what);
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        self.log.lock().unwrap().push("drop");
    }
}

impl VmOperations for Logged {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|logged: &Self| {
            if *logged.refuses.lock().unwrap() {
                logged.note("refuse");
                return Err(Errno::EMFILE);
            }
            logged.note("open");
            Ok(())
        })
        .close(|logged: &Self| logged.note("close"));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let page = &self.pages[ctx.pgoff().index()];
        ctx.insert_page(page)
    }
}

struct Set {
    file: File,
    pages: Vec<Page>,
    log: Log,
    refuses: Arc<Mutex<bool>>,
}

impl Set {
    fn new(machine: &Machine) -> Self {
        let (pages, log, refuses) = (pages(machine, 4), Log::default(), Arc::new(Mutex::new(false)));
        let file = open(machine, {
            let (pages, log, refuses) = (pages.clone(), Arc::clone(&log), Arc::clone(&refuses));
            move |ctx| {
                let (pages, log, refuses) = (pages.clone(), Arc::clone(&log), Arc::clone(&refuses));
                let ctx = ctx.writable().establish(Logged { pages, log, refuses, inside: None })?;
                Ok(ctx.may_expand().fill_later())
            }
        });
        Self { file, pages, log, refuses }
    }

    fn refuse(&self, refuses: bool) {
        *self.refuses.lock().unwrap() = refuses;
    }

    fn log(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn map_counts(&self) -> Vec<usize> {
        self.pages.iter().map(Page::map_count).collect()
    }
}

fn touch(process: &Process, at: UserAddr, pages: usize) {
    for page in 0..pages {
        process.thread().read_u8(page_at(at, page)).unwrap();
    }
}

#[test]
fn every_vma_is_opened_and_closed() {
    let machine = Machine::new();
    let set = Set::new(&machine);
    let process = machine.process();
    let at = process.mmap(&set.file, Map::shared(4 * PAGE)).unwrap();
    assert_eq!(set.log(), ["open"]);
    touch(&process, at, 4);
    assert!(set.log().is_empty());
    let child = process.fork().unwrap();
    assert_eq!(set.log(), ["open"]);
    child.exit().unwrap();
    assert_eq!(set.log(), ["close"]);

    process.mprotect(page_at(at, 1), 2 * PAGE, Prot::READ).unwrap();
    assert_eq!(set.log(), ["open", "open"]);
    // What moves is opened where it goes, and closed where it was.
    let wall = ring(&machine, &set.pages);
    process.mmap(&wall, Map::shared(PAGE).at(page_at(at, 4))).unwrap();
    process.mremap(page_at(at, 3), PAGE, 700 * PAGE, true).unwrap();
    assert_eq!(set.log(), ["open", "close"]);
    process.munmap(at, 2 * PAGE).unwrap();
    assert_eq!(set.log(), ["open", "close", "close"]);
    process.exit().unwrap();
    let log = set.log();
    assert_eq!(log, ["close", "close", "drop"]);
    assert_eq!(set.map_counts(), [0; 4]);
}

#[test]
fn a_mapping_is_closed_when_its_pages_have_gone() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let counts: Arc<Mutex<Vec<usize>>> = Arc::default();
    let inside: Arc<dyn Fn() + Send + Sync> = Arc::new({
        let (page, counts) = (page.clone(), Arc::clone(&counts));
        move || counts.lock().unwrap().push(page.map_count())
    });
    let file = open(&machine, move |ctx| {
        let (pages, inside) = (vec![page.clone()], Some(Arc::clone(&inside)));
        Ok(ctx
            .writable()
            .establish(Logged { pages, log: Log::default(), refuses: Arc::default(), inside })?
            .fill_later())
    });
    for by_exit in [false, true] {
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        touch(&process, at, 1);
        if by_exit {
            process.exit().unwrap();
        } else {
            process.munmap(at, PAGE).unwrap();
        }
        // When it was opened, and when it was closed.
        assert_eq!(std::mem::take(&mut *counts.lock().unwrap()), [0, 0]);
    }
}

#[test]
fn a_mmap_that_fails_is_closed_and_dropped() {
    let machine = Machine::new();
    let log = Log::default();
    let file = open(&machine, {
        let log = Arc::clone(&log);
        move |ctx| {
            let state = Logged { pages: Vec::new(), log: Arc::clone(&log), refuses: Arc::default(), inside: None };
            let _ctx = ctx.writable().establish(state)?;
            Err(Errno::ENODEV)
        }
    });
    let process = machine.process();
    assert_eq!(errno(process.mmap(&file, Map::shared(PAGE))), Errno::ENODEV);
    assert_eq!(*log.lock().unwrap(), ["open", "close", "drop"]);
}

#[test]
fn a_child_whose_open_fails_has_nothing_and_is_not_closed() {
    let machine = Machine::new();
    let set = Set::new(&machine);
    let process = machine.process();
    let at = process.mmap(&set.file, Map::shared(4 * PAGE)).unwrap();
    touch(&process, at, 4);
    assert_eq!(set.log(), ["open"]);
    set.refuse(true);
    let child = process.fork().unwrap();
    set.refuse(false);
    assert_eq!(set.log(), ["refuse"]);
    assert_eq!(child.mapped_pages(at, 4 * PAGE), PageCount::ZERO);
    assert_eq!(set.map_counts(), [1; 4]);
    let signal = child.thread().read_u8(page_at(at, 2)).unwrap_err().signal();
    assert_eq!(signal, Some(Signal::Sigbus(page_at(at, 2))));
    // Nor has its child.
    let grandchild = child.fork().unwrap();
    assert_eq!(grandchild.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    assert!(set.log().is_empty());
    // It keeps the state all the same, which goes with the last.
    process.exit().unwrap();
    assert_eq!(set.log(), ["close"]);
    child.exit().unwrap();
    assert!(set.log().is_empty());
    grandchild.exit().unwrap();
    assert_eq!(set.log(), ["drop"]);
}

/// What it wraps is told, and asked.
#[test]
fn a_wrapper_is_opened_closed_and_cut_as_what_it_wraps() {
    struct Inner(Logged);
    impl VmOperations for Inner {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE
            .open(|inner: &Self| {
                inner.0.note("open");
                if *inner.0.refuses.lock().unwrap() { Err(Errno::EMFILE) } else { Ok(()) }
            })
            .close(|inner| inner.0.note("close"))
            .may_split(|inner, at| {
                inner.0.note("cut");
                if at.index() == 1 { Ok(()) } else { Err(Errno::EPERM) }
            });
    }
    struct Wrapper(Inner);
    impl VmOperations for Wrapper {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::of_inner();
    }
    impl Wraps for Wrapper {
        type Inner = Inner;

        fn inner(&self) -> &Inner {
            &self.0
        }
    }
    let (machine, log, refuses) = (Machine::new(), Log::default(), Arc::new(Mutex::new(false)));
    let file = open(&machine, {
        let (log, refuses) = (Arc::clone(&log), Arc::clone(&refuses));
        move |ctx| {
            let (log, refuses) = (Arc::clone(&log), Arc::clone(&refuses));
            let inner = Inner(Logged { pages: Vec::new(), log, refuses, inside: None });
            Ok(ctx.writable().establish(Wrapper(inner))?.fill_later())
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(3 * PAGE)).unwrap();
    assert_eq!(errno(process.munmap(page_at(at, 2), PAGE)), Errno::EPERM);
    process.munmap(at, PAGE).unwrap();
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), ["open", "cut", "cut", "open", "close"]);
    *refuses.lock().unwrap() = true;
    assert_eq!(errno(process.mmap(&file, Map::shared(PAGE))), Errno::EMFILE);
    process.exit().unwrap();
    assert_eq!(*log.lock().unwrap(), ["open", "drop", "close", "drop"]);
}

#[test]
fn a_part_or_a_move_whose_open_fails_has_nothing() {
    let machine = Machine::new();
    let set = Set::new(&machine);
    let process = machine.process();
    let at = process.mmap(&set.file, Map::shared(4 * PAGE)).unwrap();
    touch(&process, at, 4);
    assert_eq!(set.log(), ["open"]);
    set.refuse(true);
    process.mprotect(page_at(at, 2), 2 * PAGE, Prot::READ).unwrap();
    assert_eq!((set.log(), set.map_counts()), (vec!["refuse"], vec![1, 1, 0, 0]));
    touch(&process, at, 2);
    let dead = page_at(at, 2);
    assert_eq!(process.thread().read_u8(dead).unwrap_err().signal(), Some(Signal::Sigbus(dead)));
    let moved = process.mremap(at, 2 * PAGE, 3 * PAGE, true).unwrap();
    assert_eq!((set.log(), set.map_counts()), (vec!["refuse", "close"], vec![0; 4]));
    assert_eq!(process.thread().read_u8(moved).unwrap_err().signal(), Some(Signal::Sigbus(moved)));
    process.exit().unwrap();
    assert_eq!(set.log(), ["drop"]);
}

#[test]
fn user_memory_and_system_calls_are_out_of_bounds_for_both() {
    let machine = Machine::new();
    let process = machine.process();
    let log = Log::default();
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let inside: Arc<dyn Fn() + Send + Sync> = Arc::new({
        let (machine, seen) = (machine.clone(), Arc::clone(&seen));
        move || {
            let process = machine.process();
            let touched = process.thread().read_u8(UserAddr::new(PAGE));
            seen.lock().unwrap().push((touched.unwrap_err(), process.fork().unwrap_err()));
        }
    });
    let file = open(&machine, move |ctx| {
        let (log, inside) = (Arc::clone(&log), Some(Arc::clone(&inside)));
        Ok(ctx.writable().establish(Logged { pages: Vec::new(), log, refuses: Arc::default(), inside })?.fill_later())
    });
    process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.fork().unwrap().exit().unwrap();
    let address = UserAddr::new(PAGE);
    let refused = |hook| (AccessError::InsideHook { hook, address }, SyscallError::InsideHook { hook });
    assert_eq!(*seen.lock().unwrap(), [refused(Hook::Open), refused(Hook::Open), refused(Hook::Close)]);
}

#[test]
fn a_file_is_dropped_after_the_lock_when_the_close_hook_panics() {
    struct Panics;

    impl VmOperations for Panics {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.close(|_: &Self| panic!("on purpose"));
    }

    let machine = Machine::new();
    let process = machine.process();
    let counted = Arc::new(Mutex::new(None));
    let on_drop = OnDrop({
        let (process, counted) = (process.clone(), Arc::clone(&counted));
        move || *counted.lock().unwrap() = Some(process.mapping_count())
    });
    let file = open(&machine, move |ctx| {
        let _ = &on_drop;
        Ok(ctx.writable().establish(Panics)?.fill_later())
    });
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    drop(file);
    assert!(catch_unwind(AssertUnwindSafe(|| process.munmap(at, PAGE))).is_err());
    assert_eq!(*counted.lock().unwrap(), Some(Ok(0)));
}

/// Two mappings go in one munmap, and in one exit, of two drivers each of which panics in all that it is told of.
#[test]
fn a_driver_that_panics_keeps_no_other_from_being_told() {
    struct Panics(Arc<Mutex<Vec<&'static str>>>);

    impl Panics {
        fn tells(&self, what: &'static str) -> ! {
            self.0.lock().unwrap().push(what);
            panic!("on purpose")
        }
    }

    impl VmOperations for Panics {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.close(|panics: &Self| panics.tells("close"));
    }

    impl Drop for Panics {
        fn drop(&mut self) {
            self.tells("drop");
        }
    }

    let machine = Machine::new();
    for by_exit in [false, true] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let process = machine.process();
        let at = UserAddr::new(16 * PAGE);
        for page in 0..2 {
            let (panics, of_the_file) = (Arc::clone(&told), Panics(Arc::clone(&told)));
            let file = open(&machine, move |ctx| {
                let _ = &of_the_file;
                Ok(ctx.writable().establish(Panics(Arc::clone(&panics)))?.fill_later())
            });
            process.mmap(&file, Map::shared(PAGE).at(page_at(at, page))).unwrap();
            drop(file);
        }
        let gone =
            catch_unwind(AssertUnwindSafe(|| if by_exit { process.exit() } else { process.munmap(at, 2 * PAGE) }));
        assert_eq!(gone.unwrap_err().downcast_ref(), Some(&"on purpose"), "the first of them goes on");
        assert_eq!(*told.lock().unwrap(), ["close", "drop", "close", "drop", "drop", "drop"]);
        if !by_exit {
            assert_eq!(process.mapping_count(), Ok(0));
        }
    }
}
