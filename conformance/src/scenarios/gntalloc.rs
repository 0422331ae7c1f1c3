use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::{
        gntalloc::{ALLOC, DEALLOC, LET_GO, LIMIT, LIVE, NOTIFY},
        pair, pattern,
    },
    mapping::{device_pages, device_read},
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let at = |index, pages| Map::shared(pages).at(PageOffset::new(index));
    run.refused(at(0, 1), Errno::ENOENT);
    run.control("pages", ALLOC, 5, Ok(0));
    run.control("more pages", ALLOC, 3, Ok(5));
    run.control("too many pages", ALLOC, LIMIT as u64 - 7, Err(Errno::ENOSPC));
    run.control("pages granted", LIVE, 0, Ok(8));
    run.device_fills(0, 8);
    // A mapping may span pages of several allocations, if their indices follow one another.
    for (index, pages) in [(0, 8), (0, 5), (5, 3), (3, 4), (7, 1)] {
        run.one(at(index, pages), &device_pages(index, pages), false);
        run.one(at(index, pages).read_only(), &device_pages(index, pages), false);
    }
    run.refused(at(0, 9), Errno::ENOENT);
    run.refused(at(8, 1), Errno::ENOENT);
    for private in [Map { shared: false, ..at(0, 5) }, Map { shared: false, ..at(0, 5) }.read_only()] {
        run.refused(private, Errno::EINVAL);
    }
    run.does_not_expand(at(0, 2));

    run.control("two pages less", DEALLOC, pair(2, 2), Ok(0));
    run.control("the same again", DEALLOC, pair(2, 2), Err(Errno::EINVAL));
    run.control("one of them again", DEALLOC, pair(3, 2), Err(Errno::EINVAL));
    run.control("pages granted", LIVE, 0, Ok(6));
    run.refused(at(0, 5), Errno::ENOENT);
    run.refused(at(2, 1), Errno::ENOENT);
    run.one(at(0, 2), &device_pages(0, 2), false);
    run.one(at(4, 4), &device_pages(4, 4), false);
    goes_with_its_last_user(&mut run, at(5, 3));
    run.control("room is there again", ALLOC, LIMIT as u64 - 3, Ok(8));
    run.control("no room", ALLOC, 1, Err(Errno::ENOSPC));
    for (index, pages) in [(0, 2), (4, 1), (8, LIMIT - 3)] {
        run.control("pages that nobody needs", DEALLOC, pair(index, pages), Ok(0));
    }
    run.control("pages granted at the end", LIVE, 0, Ok(0));
    run.control("the other domain lets go", LET_GO, 0, Ok(0));
}

/// Pages that are off the file's list live as long as somebody has them mapped.
fn goes_with_its_last_user<U: User>(run: &mut Run<'_, U>, map: Map) {
    let (page, byte) = (6, 17);
    run.control("a byte to be cleared", NOTIFY, pair(page, byte), Ok(0));
    run.control("a byte behind the page", NOTIFY, pair(page, 1 << 20), Err(Errno::EINVAL));
    run.control("a byte of no page", NOTIFY, pair(2, 0), Err(Errno::ENOENT));
    let place = page.wrapping_mul(run.user.page_size()).wrapping_add(byte);
    run.mapped(map, |run, at| {
        run.control("three pages less", DEALLOC, pair(5, 3), Ok(0));
        run.refused(map, Errno::ENOENT);
        run.checks.success("munmap of the page with the byte", run.user.unmap(run.address(at, 1, 0), 1));
        run.with_child(|run, child| {
            run.checks.success("munmap of the parent's", run.user.unmap(at, map.pages));
            run.checks.success("the child's page", child.read(at, &mut [0]));
            run.control("pages granted while a child has them", LIVE, 0, Ok(6));
            remote_sees(run, "while they are mapped", place, pattern(place));
        });
    });
    run.control("pages granted after the last munmap", LIVE, 0, Ok(3));
    remote_sees(run, "after the last munmap", place, 0);
    remote_sees(run, "beside it", place + 1, pattern(place + 1));
}

fn remote_sees<U: User>(run: &mut Run<'_, U>, when: &str, place: usize, wanted: u8) {
    let mut byte = [0];
    run.checks.success("a look of the other domain", device_read(run.user, place, &mut byte));
    run.checks.equal(std::format!("the byte that the other domain sees {when}"), &byte, &[wanted]);
}
