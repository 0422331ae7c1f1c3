use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::vgem::{EAGER, LAZY},
    mapping::device_pages,
    user::{Map, User},
};
use vmctx_drivers::vgem::FAULT_AROUND;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let eager = Map::shared(EAGER.pages).at(EAGER.fake_offset);
    run.eager(eager, &device_pages(0, EAGER.pages));
    let inner = Map::shared(3).at(PageOffset::new(EAGER.fake_offset.index() + 4));
    run.eager(inner, &device_pages(4, 3));
    run.refused(Map { pages: eager.pages + 1, ..eager }, Errno::EINVAL);
    run.refused(Map::shared(2).at(PageOffset::new(EAGER.fake_offset.index() - 1)), Errno::EINVAL);

    let lazy = Map::shared(LAZY.pages).at(LAZY.fake_offset);
    let memory = EAGER.pages;
    run.fault_around(lazy, memory, FAULT_AROUND);
    run.lazy(lazy, &device_pages(memory, LAZY.pages));
    let tail = Map::shared(5).at(PageOffset::new(LAZY.fake_offset.index() + LAZY.pages - 5));
    run.lazy(tail, &device_pages(memory + LAZY.pages - 5, 5));
    run.refused(Map { pages: 6, ..tail }, Errno::EINVAL);

    run.refused(Map::shared(1), Errno::EINVAL);
    run.cached(lazy, 1, Cache::WriteCombine);
    run.does_not_expand(lazy);
}
