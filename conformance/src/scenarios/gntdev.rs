use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::{
        gntdev::{ADD, FOREIGN, LIVE, NOTIFY, REMOVE},
        pair,
    },
    mapping::{Slot, device_read, device_write},
    user::{Map, Refusal, User},
};

/// The slots of a map of so many grants, from this reference downwards.
fn grants(first: usize, count: usize) -> Vec<Slot> {
    (0..=first).rev().take(count).map(Slot::Device).collect()
}

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let at = |index, pages| Map::shared(pages).at(PageOffset::new(index));
    run.control("five grants", ADD, pair(9, 5), Ok(0));
    run.control("three grants", ADD, pair(2, 3), Ok(5));
    run.control("no grants", ADD, pair(2, 0), Err(Errno::EINVAL));
    for (map, slots) in [(at(0, 5), grants(9, 5)), (at(5, 3), grants(2, 3))] {
        run.not_copied(map, &slots);
        run.not_copied(map.read_only(), &slots);
        run.not_copied(Map { shared: false, ..map }.read_only(), &slots);
        run.refused(Map { shared: false, ..map }, Errno::EINVAL);
        run.does_not_expand(map);
    }
    run.control("grants mapped after munmap", LIVE, 0, Ok(0));
    // A map is found by its index and by its length, both.
    for wrong in [at(0, 4), at(0, 6), at(0, 8), at(1, 4), at(8, 1)] {
        run.refused(wrong, Errno::EINVAL);
    }
    run.mapped(at(0, 5), |run, start| {
        run.control("grants mapped", LIVE, 0, Ok(5));
        run.refused(at(0, 5), Errno::EINVAL);
        let cut = run.user.unmap(start, 1);
        run.checks.failure("munmap of one page", cut, &Refusal::Errno(Errno::EINVAL));
        run.shows("after a munmap that was refused", start, &grants(9, 5));
        run.control("forgetting a map that is mapped", REMOVE, pair(0, 5), Ok(0));
        run.control("forgetting it again", REMOVE, pair(0, 5), Err(Errno::ENOENT));
        run.shows("a map that was forgotten", start, &grants(9, 5));
        run.control("grants mapped", LIVE, 0, Ok(5));
    });
    run.control("grants mapped after munmap", LIVE, 0, Ok(0));
    run.refused(at(0, 5), Errno::EINVAL);

    // Four grants go into the gap of five; two do not fit into what is left of it, and one does.
    run.control("four grants", ADD, pair(11, 4), Ok(0));
    run.control("two grants", ADD, pair(1, 2), Ok(8));
    run.control("one grant", ADD, pair(FOREIGN - 1, 1), Ok(4));
    run.control("a reference that does not exist", ADD, pair(FOREIGN, 1), Ok(10));
    run.refused(at(10, 1), Errno::EINVAL);
    read_only_first(&mut run, at(8, 2));
    clears_a_byte(&mut run, at(5, 3));
}

/// A map whose first mapping is read-only can never be mapped writable.
fn read_only_first<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map.read_only(), |_, _| {});
    run.refused(map, Errno::EINVAL);
    run.control("grants mapped", LIVE, 0, Ok(0));
    run.control("a byte that cannot be cleared", NOTIFY, pair(8, 0), Err(Errno::EINVAL));
    run.not_copied(map.read_only(), &grants(1, 2));
}

/// The other domain sees that the mapping has gone: a byte is cleared, once.
fn clears_a_byte<U: User>(run: &mut Run<'_, U>, map: Map) {
    let byte = 33;
    run.control("a byte to be cleared", NOTIFY, pair(6, byte), Ok(0));
    run.control("a byte of no map", NOTIFY, pair(11, 0), Err(Errno::ENOENT));
    // The map shows the references 2, 1, 0; the byte is in its second page, which is page 1 of the other domain.
    let place = run.user.page_size().wrapping_add(byte);
    for (cleared, when) in [(true, "asked for"), (false, "not asked for any more")] {
        run.checks.success("the other domain's byte", device_write(run.user, place, &[0xb7]));
        run.mapped(map, |run, at| {
            let mut seen = [0];
            run.checks.success("the byte", run.user.read(run.address(at, 1, byte), &mut seen));
            run.checks.equal(format!("a byte whose clearing is {when}, while it is mapped"), &seen, &[0xb7]);
        });
        let mut seen = [0];
        run.checks.success("the other domain's byte", device_read(run.user, place, &mut seen));
        run.checks.equal(format!("a byte whose clearing is {when}"), &seen, &[if cleared { 0 } else { 0xb7 }]);
    }
}
