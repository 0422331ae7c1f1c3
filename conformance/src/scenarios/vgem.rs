use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::vgem::{EAGER, LAZY},
    mapping::{Slot, device_pages},
    user::{Map, User},
};
use vmctx_drivers::vgem::FAULT_AROUND;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let eager = Map::shared(EAGER.pages).at(EAGER.fake_offset);
    run.eager(eager, &device_pages(0, EAGER.pages));
    let inner = Map::shared(3).at(PageOffset::new(EAGER.fake_offset.index() + 4));
    run.eager(inner, &device_pages(4, 3));
    // Behind the object's end the same helper of the driver's gives ENXIO at mmap, and a SIGBUS in a fault.
    run.refused(Map { pages: eager.pages + 1, ..eager }, Errno::ENXIO);

    let lazy = Map::shared(LAZY.pages).at(LAZY.fake_offset);
    let memory = EAGER.pages;
    run.fault_around(lazy, memory, FAULT_AROUND);
    run.lazy(lazy, &device_pages(memory, LAZY.pages));
    let mut slots = device_pages(memory + LAZY.pages - 5, 5);
    slots.extend([Slot::Nothing; 3]);
    let over = Map::shared(slots.len()).at(PageOffset::new(LAZY.fake_offset.index() + LAZY.pages - 5));
    run.lazy(over, &slots);

    run.refused(Map::shared(1), Errno::EINVAL);
    run.cached(lazy, 1, Cache::WriteCombine);
    run.does_not_expand(lazy);
}
