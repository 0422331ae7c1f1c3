use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::kcov::PAGES,
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    run.eager(whole, &device_pages(0, PAGES));
    run.refused(Map::shared(PAGES - 1), Errno::EINVAL);
    run.refused(Map::shared(PAGES + 1), Errno::EINVAL);
    run.refused(whole.at(PageOffset::new(1)), Errno::EINVAL);
    run.does_not_expand(whole);
}
