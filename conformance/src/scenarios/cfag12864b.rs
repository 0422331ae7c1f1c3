use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    run.eager(Map::shared(1), &device_pages(0, 1));
    // The offset does not matter.
    run.eager(Map::shared(1).at(PageOffset::new(7)), &device_pages(0, 1));
    run.refused(Map::shared(2), Errno::ENXIO);
}
