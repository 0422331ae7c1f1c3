//! Calls of a process that has many mappings.

use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, UserAddr, VmOperations};
use vmctx_sim::{Limits, Machine, Map, Process, Ref, Sim};

use crate::{Least, PAGE, timed};

struct Nothing;

impl VmOperations for Nothing {
    type Platform = Sim;
    type Kind = Mixed;
}

/// A file whose mappings have one state together, or one each.
struct Device {
    shared: Option<Ref<Nothing>>,
}

impl MmapFile for Device {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let state = self.shared.clone().unwrap_or_else(|| Ref::new(Nothing));
        Ok(ctx.writable().establish_shared(state)?.fill_later())
    }
}

/// Nanoseconds of a call, the least of many.
fn least(calls: usize, mut call: impl FnMut(usize)) -> f64 {
    let mut least = Least::NONE;
    let mut index = 0;
    for _ in 0..32 {
        let took = timed(|| {
            for _ in 0..calls {
                call(index);
                index += 1;
            }
        });
        least.pass(took / calls as f64);
    }
    least.0
}

struct Calls {
    mmap_and_munmap: f64,
    look_up: f64,
    zap_own: f64,
    zap_shared: f64,
    unmap_nothing: f64,
}

/// Takes away what is mapped of a page.
fn zap(process: &Process, at: UserAddr, page: PageOffset) {
    let zapped = process.ioctl(|ctx| ctx.find::<Nothing>(at).map(|mapping| mapping.zap(page, PageCount::new(1))));
    zapped.expect("no hook").expect("mapped");
}

/// The file's page that the mapping of this number begins with: each shows another one.
fn page(mapping: usize) -> PageOffset {
    PageOffset::new(2 * mapping)
}

fn measure(count: usize) -> Calls {
    let machine = Machine::with_limits(Limits { page_tables: 1 << 20, ..Limits::default() });
    let (own, shared) =
        (machine.open(Device { shared: None }), machine.open(Device { shared: Some(Ref::new(Nothing)) }));
    let (process, sharing) = (machine.process(), machine.process());
    let map =
        |process: &Process, file, mapping| process.mmap(file, Map::shared(PAGE).pgoff(page(mapping))).expect("mapped");
    let mapped: Vec<_> = (0..count).map(|mapping| map(&process, &own, mapping)).collect();
    let mapped_shared: Vec<_> = (0..count).map(|mapping| map(&sharing, &shared, mapping)).collect();
    let some = |index: usize| index * 7919 % count;
    let calls = 200;
    Calls {
        mmap_and_munmap: least(calls, |_| {
            let at = map(&process, &own, 0);
            process.munmap(at, PAGE).expect("unmapped");
        }),
        look_up: least(calls, |index| {
            let found = process.ioctl(|ctx| ctx.find::<Nothing>(mapped[some(index)]).is_ok());
            assert!(found.expect("no hook"));
        }),
        zap_own: least(calls, |index| zap(&process, mapped[some(index)], page(some(index)))),
        zap_shared: least(calls, |index| zap(&sharing, mapped_shared[some(index)], page(some(index)))),
        unmap_nothing: least(calls, |_| {
            own.unmap_mapping_range(page(count + 1), PageCount::new(1), true);
        }),
    }
}

pub(crate) fn print() {
    let counts = [16, 256, 4096, 60_000];
    let rows: Vec<_> = counts.into_iter().map(|count| (count, measure(count))).collect();
    println!(
        "| mappings | `mmap` and `munmap` | look one up | and zap its page | the same with one state for all | unmap of an object that hits nothing |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for (count, Calls { mmap_and_munmap, look_up, zap_own, zap_shared, unmap_nothing }) in rows {
        println!(
            "| {count} | {mmap_and_munmap:.0} | {look_up:.0} | {zap_own:.0} | {zap_shared:.0} | {unmap_nothing:.0} |"
        );
    }
}
