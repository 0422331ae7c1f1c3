use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::{
        CHOOSE,
        dma_iommu::{CACHES, PAGES},
    },
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    for (allocation, cache) in CACHES.into_iter().enumerate() {
        run.control("an allocation", CHOOSE, allocation as u64, Ok(0));
        let whole = Map::shared(PAGES);
        run.eager(whole, &device_pages(0, PAGES));
        run.eager(Map::shared(2).at(PageOffset::new(3)), &device_pages(3, 2));
        run.cached(whole, PAGES - 1, cache);
        run.refused(Map::shared(PAGES + 1), Errno::ENXIO);
        run.refused(whole.at(PageOffset::new(1)), Errno::ENXIO);
        run.refused(Map::shared(1).at(PageOffset::new(PAGES)), Errno::ENXIO);
        // So far behind the end that the sum in bytes overflows.
        let far = usize::MAX / 2 / run.user.page_size();
        run.refused(Map::shared(2).at(PageOffset::new(far - 1)), Errno::ENXIO);
    }
    run.control("no allocation", CHOOSE, CACHES.len() as u64, Err(Errno::EINVAL));
}
