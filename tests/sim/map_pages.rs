//! Fault-around under RCU: what is asked for, what is mapped, and what is left to the fault hook.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use vmctx::{Errno, FaultCtx, Hooks, MapPagesCtx, Mixed, PageCount, PageOffset, Prefault, VmFault, VmOperations};
use vmctx_hosted::Ref;
use vmctx_sim::{File, Hook, Machine, Map, Page, Sim};

use crate::{
    drivers::{PAGE, open, page_at},
    users::in_threads,
};

/// Pages of which those below a limit are at hand; the others a fault brings.
struct Cache {
    pages: Arc<Vec<Page>>,
    at_hand: usize,
    asked: Arc<Mutex<Vec<Range<usize>>>>,
    became: Arc<Mutex<Vec<Prefault>>>,
}

impl Cache {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let wanted = ctx.wanted().start.index()..ctx.wanted().end.index();
        self.asked.lock().unwrap().push(wanted.clone());
        for at in wanted.start..wanted.end.min(self.at_hand) {
            let became = ctx.prefault_page(PageOffset::new(at), &self.pages[at]);
            self.became.lock().unwrap().push(became);
        }
        ctx.finish()
    }
}

impl VmOperations for Cache {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        match self.pages.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

struct Set {
    machine: Machine,
    file: File,
    pages: Arc<Vec<Page>>,
    asked: Arc<Mutex<Vec<Range<usize>>>>,
    became: Arc<Mutex<Vec<Prefault>>>,
}

fn cache(pages: usize, at_hand: usize) -> Set {
    let machine = Machine::new();
    let pages: Arc<Vec<_>> = Arc::new((0..pages).map(|_| machine.alloc_page().unwrap()).collect());
    let (asked, became) = (Arc::default(), Arc::default());
    let file = open(&machine, {
        let state = Ref::new(Cache {
            pages: Arc::clone(&pages),
            at_hand,
            asked: Arc::clone(&asked),
            became: Arc::clone(&became),
        });
        move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later())
    });
    Set { machine, file, pages, asked, became }
}

#[test]
fn what_is_at_hand_around_a_load_is_mapped_without_the_fault_hook() {
    let set = cache(64, 40);
    let process = set.machine.process();
    let user = process.thread();
    let at = process.mmap(&set.file, Map::shared(64 * PAGE).at(vmctx::UserAddr::new(0x4000_0000))).unwrap();
    // Without a page table nothing can be mapped there yet; the fault hook makes one.
    user.read_u8(page_at(at, 3)).unwrap();
    assert_eq!(*set.became.lock().unwrap(), [Prefault::OutOfMemory; 16]);
    assert_eq!((set.machine.statistics().handler_calls, process.mapped_pages(at, 64 * PAGE).get()), (1, 1));

    set.became.lock().unwrap().clear();
    user.read_u8(page_at(at, 5)).unwrap();
    let mut expected = [Prefault::Inserted; 16];
    expected[3] = Prefault::AlreadyPresent;
    assert_eq!(*set.became.lock().unwrap(), expected);
    assert_eq!((set.machine.statistics().handler_calls, process.mapped_pages(at, 64 * PAGE).get()), (1, 16));

    // Half of the window is at hand, and the page itself is not.
    let trace = set.machine.trace();
    user.read_u8(page_at(at, 44)).unwrap();
    let called: Vec<_> = trace.take().into_iter().map(|called| (called.hook, called.pages)).collect();
    let pages = |range: Range<usize>| PageOffset::new(range.start)..PageOffset::new(range.end);
    assert_eq!(called, [(Hook::MapPages, pages(32..48)), (Hook::Fault, pages(44..45))]);
    assert_eq!((set.machine.statistics().handler_calls, process.mapped_pages(at, 64 * PAGE).get()), (2, 25));
    // A store does not ask.
    user.write_u8(page_at(at, 60), 1).unwrap();
    assert_eq!((set.machine.statistics().handler_calls, set.machine.statistics().map_pages_calls), (3, 3));
    assert_eq!(*set.asked.lock().unwrap(), [0..16, 0..16, 32..48]);
    process.exit().unwrap();
    assert!(set.pages.iter().all(|page| page.references() == 1 && page.map_count() == 0));
}

#[test]
fn the_window_ends_with_the_mapping_and_with_the_page_table() {
    let set = cache(1100, 0);
    let process = set.machine.process();
    let user = process.thread();
    // From five pages before a table's border on, and from page 100 of the object on.
    let at = vmctx::UserAddr::new(0x4000_0000 - 5 * PAGE);
    process.mmap(&set.file, Map::shared(40 * PAGE).at(at).pgoff(PageOffset::new(100))).unwrap();
    for page in [0, 4, 5, 20, 21, 39] {
        user.read_u8(page_at(at, page)).unwrap();
    }
    assert_eq!(*set.asked.lock().unwrap(), [100..105, 100..105, 105..121, 105..121, 121..137, 137..140]);
}

#[test]
fn a_private_mapping_is_filled_for_loads_and_copies_for_stores() {
    let set = cache(16, 16);
    let process = set.machine.process();
    let user = process.thread();
    let at = process.mmap(&set.file, Map::private(16 * PAGE).at(vmctx::UserAddr::new(0x4000_0000))).unwrap();
    user.write_u8(at, 9).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();
    assert_eq!(process.mapped_pages(at, 16 * PAGE), PageCount::new(16));
    user.write_u8(page_at(at, 2), 9).unwrap();
    assert_eq!((set.pages[2].map_count(), user.read_u8(page_at(at, 2))), (0, Ok(9)));
    assert_eq!(set.machine.statistics().map_pages_calls, 1);
}

#[test]
fn many_threads_map_around_each_other() {
    let set = cache(64, 64);
    let process = set.machine.process();
    let at = process.mmap(&set.file, Map::shared(64 * PAGE)).unwrap();
    in_threads(&process, 4, |thread, user| {
        for round in 0..500 {
            let page = (round * 7 + thread * 13) % 64;
            user.read_u8(page_at(at, page)).unwrap();
            if round % 16 == 0 {
                set.file.unmap_mapping_range(PageOffset::new(page), PageCount::new(8), false);
            }
        }
    });
    process.exit().unwrap();
    assert!(set.pages.iter().all(|page| page.references() == 1 && page.map_count() == 0));
}
