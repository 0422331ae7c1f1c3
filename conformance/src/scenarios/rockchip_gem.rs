use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::rockchip_gem::PAGES,
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    run.eager(whole, &device_pages(0, PAGES));
    run.eager(Map::shared(7).at(PageOffset::new(5)), &device_pages(5, 7));
    run.eager(Map::shared(1).at(PageOffset::new(PAGES - 1)), &device_pages(PAGES - 1, 1));
    run.refused(Map::shared(PAGES + 1), Errno::ENXIO);
    run.refused(whole.at(PageOffset::new(1)), Errno::ENXIO);
    run.refused(Map::shared(1).at(PageOffset::new(PAGES)), Errno::ENXIO);
    run.cached(whole, 0, Cache::WriteCombine);
    run.does_not_expand(whole);
}
