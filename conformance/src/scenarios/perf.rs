use std::format;

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::perf::{AUX, AUX_OFFSET, DATA},
    mapping::{device_pages, device_read},
    user::{Map, Refusal, Trap, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let ring = Map::shared(1 + DATA);
    written_at_its_start_only(&mut run, ring);
    only_read(&mut run, ring.read_only());
    not_cut(&mut run, ring);
    not_copied(&mut run, ring, 0);

    let aux = Map::shared(AUX).at(AUX_OFFSET).read_only();
    run.mapped(aux, |run, at| {
        run.shows(aux, at, &device_pages(1 + DATA, AUX));
        run.checks.failure(format!("{aux}: a store"), run.user.write(at, &[0]), &Trap::Sigsegv(at));
        let wanted = run.user.unmap(at, 1);
        run.checks.success("munmap of a part of the AUX area", wanted);
        run.shows("the rest of the AUX area", run.address(at, 1, 0), &device_pages(2 + DATA, AUX - 1));
    });
    not_copied(&mut run, aux, 1 + DATA);
    run.refused(Map { writable: true, ..aux }, Errno::EPERM);

    for map in [
        Map::shared(DATA),
        Map::shared(2 + DATA),
        Map::shared(1),
        Map::shared(AUX + 1).at(AUX_OFFSET).read_only(),
        Map::shared(AUX - 1).at(AUX_OFFSET).read_only(),
        Map::shared(1 + DATA).at(PageOffset::new(1)),
        Map::shared(AUX).at(PageOffset::new(AUX_OFFSET.index() + 1)).read_only(),
        Map::private(1 + DATA),
        Map::private(1 + DATA).read_only(),
        Map { shared: false, ..aux },
    ] {
        run.refused(map, Errno::EINVAL);
    }
    run.does_not_expand(ring);
}

/// All threads write into the control page, each in its place. Nobody can write into the data, neither by a first touch
/// nor where it is mapped already.
fn written_at_its_start_only<U: User>(run: &mut Run<'_, U>, map: Map) {
    for loads_first in [false, true] {
        run.mapped(map, |run, at| {
            if loads_first {
                run.shows(map, at, &device_pages(0, 1 + DATA));
            }
            let size = run.user.page_size();
            let address = |page: usize, offset: usize| UserAddr::new(at.get() + page * size + offset);
            run.together(map, |user, thread, checks| {
                let mut old = [0];
                checks.success("the control page", user.read(address(0, thread), &mut old));
                checks.success("a store to the control page", user.write(address(0, thread), &[!old[0]]));
                let mut seen = [0];
                checks.success("the device's control page", device_read(user, thread, &mut seen));
                checks.equal("what the device sees of a store to the control page", &seen, &[!old[0]]);
                checks.success("a store to the control page", user.write(address(0, thread), &old));
                for page in 1..=DATA {
                    let at = address(page, size / 3);
                    checks.failure(format!("a store to data page {page}"), user.write(at, &[0]), &Trap::Sigbus(at));
                }
            });
            run.shows(format!("{map}: after the stores"), at, &device_pages(0, 1 + DATA));
        });
    }
}

fn only_read<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        run.shows(map, at, &device_pages(0, 1 + DATA));
        run.checks.failure(format!("{map}: a store"), run.user.write(at, &[0]), &Trap::Sigsegv(at));
    });
}

fn not_cut<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        for (page, pages) in [(0, 1), (DATA, 1), (3, 2)] {
            let cut = run.user.unmap(run.address(at, page, 0), pages);
            let wanted = Refusal::Errno(Errno::EINVAL);
            run.checks.failure(format!("{map}: munmap of {pages} pages from {page} on"), cut, &wanted);
        }
        run.shows(format!("{map}: not cut"), at, &device_pages(0, 1 + DATA));
    });
}

/// A child does not get it, because the pages are accounted to one process.
fn not_copied<U: User>(run: &mut Run<'_, U>, map: Map, first: usize) {
    run.mapped(map, |run, at| {
        run.shows(map, at, &device_pages(first, map.pages));
        let Some(forked) = run.user.fork() else { return };
        let Some(child) = run.checks.success(format!("{map}: fork"), forked) else { return };
        run.checks.failure(format!("{map}: in a child"), child.read(at, &mut [0]), &Trap::Sigsegv(at));
    });
}
