use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::relay::PAGES,
    mapping::{Slot, device_pages},
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    run.lazy(whole, &device_pages(0, PAGES));
    // The length is right and the offset is not: nothing shows behind the end of the buffer.
    let mut slots = device_pages(3, PAGES - 3);
    slots.extend([Slot::Nothing; 3]);
    run.lazy(whole.at(PageOffset::new(3)), &slots);
    run.lazy(whole.at(PageOffset::new(usize::MAX >> 24)), &[Slot::Nothing; PAGES]);
    run.refused(Map::shared(PAGES - 1), Errno::EINVAL);
    run.refused(Map::shared(PAGES + 1), Errno::EINVAL);
    run.does_not_expand(whole);
}
