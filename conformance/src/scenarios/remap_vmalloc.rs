use vmctx::{Errno, PageOffset};

use super::run::{Run, all_ways};
use crate::{
    devices::{
        CHOOSE,
        remap_vmalloc::{FRAME_BUFFER, HEADERS, NOT_FOR_USERS, NOTES, VFB, VMCORE},
    },
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let at = |pgoff, pages| Map::shared(pages).at(PageOffset::new(pgoff));
    let far = usize::MAX / 2 / run.user.page_size();

    run.control("a frame buffer", CHOOSE, VFB, Ok(0));
    run.eager(at(0, FRAME_BUFFER), &device_pages(0, FRAME_BUFFER));
    run.eager(at(6, FRAME_BUFFER - 6), &device_pages(6, FRAME_BUFFER - 6));
    run.eager(at(2, 3), &device_pages(2, 3));
    // Behind the area are its guard page and nothing, neither of which can be mapped.
    for wrong in [at(0, FRAME_BUFFER + 1), at(1, FRAME_BUFFER), at(FRAME_BUFFER, 1), at(FRAME_BUFFER + 1, 1)] {
        run.refused(wrong, Errno::EINVAL);
    }
    run.refused(at(far - 1, 2), Errno::EINVAL);
    run.does_not_expand(at(0, FRAME_BUFFER));

    run.control("a crash dump", CHOOSE, VMCORE, Ok(0));
    let all = HEADERS + NOTES;
    // Headers and notes, a part of both, one of them, and one page on either side of the border.
    for (pgoff, pages) in [(0, all), (1, 3), (0, HEADERS), (HEADERS, NOTES), (HEADERS - 1, 1), (HEADERS + 2, 1)] {
        for map in [at(pgoff, pages), Map { shared: false, ..at(pgoff, pages) }] {
            run.one(map.read_only(), &device_pages(pgoff, pages), false);
            run.refused(map, Errno::EPERM);
        }
    }
    for wrong in [at(0, all + 1), at(1, all), at(all, 1), at(far - 1, 2)] {
        run.refused(wrong.read_only(), Errno::EINVAL);
    }

    run.control("an area that is not for users", CHOOSE, NOT_FOR_USERS, Ok(0));
    for map in all_ways(at(0, FRAME_BUFFER)) {
        run.refused(map, Errno::EINVAL);
    }
}
