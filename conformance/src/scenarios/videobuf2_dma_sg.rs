use std::format;

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::Run;
use crate::{
    devices::{
        CHOOSE,
        videobuf2_dma_sg::{CAPTURE, OUTPUT, PLANES, REQUEST_BUFFERS, USERS, device_page},
    },
    mapping::{Slot, device_pages, device_read},
    user::{Map, User},
};
use vmctx_drivers::videobuf2_dma_sg::cookie;

/// How many buffers the user requests.
const BUFFERS: usize = 3;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    for queue in [CAPTURE, OUTPUT] {
        run.control("a queue", CHOOSE, queue, Ok(0));
        run.refused(Map::shared(1), Errno::EINVAL);
        run.control("buffers", REQUEST_BUFFERS, BUFFERS as u64, Ok(0));
        for buffer in 0..BUFFERS {
            for (plane, pages) in PLANES.into_iter().enumerate() {
                every_way(&mut run, queue, cookie(buffer, plane), pages);
            }
        }
        run.refused(Map::shared(1).at(cookie(0, PLANES.len())), Errno::EINVAL);
        run.refused(Map::shared(1).at(cookie(BUFFERS, 0)), Errno::EINVAL);
        run.control("users of no plane", USERS, cookie(BUFFERS, 0).index() as u64, Err(Errno::EINVAL));
        is_not_freed(&mut run);
        is_not_freed_in_a_race(&mut run);
        run.control("no buffers", REQUEST_BUFFERS, 0, Ok(0));
        run.refused(Map::shared(1), Errno::EINVAL);
    }
}

fn every_way<U: User>(run: &mut Run<'_, U>, queue: u64, at: PageOffset, pages: usize) {
    let slots = device_pages(device_page(at), pages);
    run.device_fills(device_page(at), pages);
    let whole = Map::shared(pages).at(at);
    run.one(whole, &slots, false);
    // The cookie is no offset into the plane: a shorter mapping shows its start, too.
    run.one(Map { pages: 1, ..whole }, slots.get(..1).unwrap_or_default(), false);
    if queue == OUTPUT {
        run.refused(whole.read_only(), Errno::EINVAL);
    } else {
        run.one(whole.read_only(), &slots, false);
    }
    run.refused(Map { pages: pages + 1, ..whole }, Errno::EINVAL);
    run.refused(Map { shared: false, ..whole }, Errno::EINVAL);
    run.refused(Map { shared: false, ..whole }.read_only(), Errno::EINVAL);
    run.cached(whole, 0, Cache::WriteBack);
    run.does_not_expand(whole);
}

/// A buffer is not freed as long as any of it is mapped, and what is mapped stays the same.
fn is_not_freed<U: User>(run: &mut Run<'_, U>) {
    let at = cookie(1, 0);
    let [pages, _] = PLANES;
    let map = Map::shared(pages).at(at);
    let users = |run: &mut Run<'_, U>, what: &str, wanted| {
        run.control(format!("users {what}"), USERS, at.index() as u64, Ok(wanted));
    };
    users(run, "before", 0);
    let Some(start) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    users(run, "of one mapping", 1);
    run.control("buffers while one is mapped", REQUEST_BUFFERS, 1, Err(Errno::EBUSY));
    run.mapped(map, |run, _| users(run, "of two mappings", 2));
    // A hole makes two VMAs of one, and a child has two more.
    run.checks.success("munmap of the second page", run.user.unmap(run.address(start, 1, 0), 1));
    users(run, "with a hole", 2);
    run.with_child(|run, _| users(run, "with a child", 4));
    users(run, "after the child's exit", 2);
    run.checks.success("munmap of the first page", run.user.unmap(start, 1));
    users(run, "without the first page", 1);
    run.control("buffers while half of one is mapped", REQUEST_BUFFERS, 1, Err(Errno::EBUSY));
    run.shows("what is left", run.address(start, 2, 0), &device_pages(device_page(at) + 2, pages - 2));
    run.checks.success("munmap of the rest", run.user.unmap(run.address(start, 2, 0), pages - 2));
    run.control("buffers", REQUEST_BUFFERS, 2, Ok(0));
    run.mapped(map, |run, at| run.shows("a new buffer", at, &[Slot::Zeros; PLANES[0]]));
}

/// Threads map a buffer and write into it while others request buffers anew. A buffer that is mapped stays the one that
/// the device uses.
fn is_not_freed_in_a_race<U: User>(run: &mut Run<'_, U>) {
    let [pages, _] = PLANES;
    let map = Map::shared(pages).at(cookie(0, 0));
    run.together("mapping and requesting", |user, thread, checks| {
        for round in 1..=8 {
            if thread % 2 == 1 {
                let requested = user.control(REQUEST_BUFFERS, 1);
                checks.equal("buffers", &matches!(requested, Ok(0) | Err(Errno::EBUSY)), &true);
                continue;
            }
            let Some(at) = checks.success(format!("mmap of {map}"), user.map(map)) else { return };
            let place = UserAddr::new(at.get().wrapping_add(thread));
            checks.success("a store", user.write(place, &[round]));
            let mut seen = [0];
            checks.success("what the device reads", device_read(user, thread, &mut seen));
            checks.equal("what the device sees of a buffer that is mapped", &seen, &[round]);
            checks.success(format!("{map}: munmap"), user.unmap(at, map.pages));
        }
    });
    run.control("users after all", USERS, cookie(0, 0).index() as u64, Ok(0));
}
