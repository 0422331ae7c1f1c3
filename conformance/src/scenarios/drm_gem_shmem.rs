use std::format;

use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::drm_gem_shmem::{END_OF_IMPORTED, IMPORTED, OWN, PAGES, PURGE, USES},
    mapping::{Slot, device_pages},
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    // The imported object is mapped by its exporter: filled at mmap, and refused with the exporter's errnos.
    let imported = Map::shared(IMPORTED);
    run.eager(imported, &device_pages(0, IMPORTED));
    run.eager(Map::shared(2).at(PageOffset::new(3)), &device_pages(3, 2));
    run.refused(Map::shared(IMPORTED + 1), Errno::ENXIO);
    run.refused(Map::shared(1).at(PageOffset::new(END_OF_IMPORTED.index() - 1)), Errno::ENXIO);
    run.cached(imported, 0, Cache::WriteCombine);
    run.mapped(imported, |run, _| run.control("uses of the object that is not mapped", USES, 0, Ok(0)));

    // The device's own object is filled by faults.
    let own = Map::shared(PAGES).at(OWN);
    run.lazy(own, &device_pages(IMPORTED, PAGES));
    let inner = Map::shared(3).at(PageOffset::new(OWN.index() + 4));
    run.lazy(inner, &device_pages(IMPORTED + 4, 3));
    run.refused(Map::shared(PAGES + 1).at(OWN), Errno::EINVAL);
    run.refused(Map::shared(1).at(PageOffset::new(OWN.index() + PAGES)), Errno::EINVAL);
    // A mapping that would reach over both objects.
    run.refused(Map::shared(4).at(PageOffset::new(END_OF_IMPORTED.index() - 2)), Errno::ENXIO);
    run.does_not_expand(own);
    run.cached(own, 1, Cache::WriteCombine);

    counts_uses(&mut run, own);
    purged(&mut run, own, imported);
}

/// A use is one mmap that succeeded. Fork and cuts add none, and it ends when its last piece is unmapped.
fn counts_uses<U: User>(run: &mut Run<'_, U>, own: Map) {
    run.control("uses without mappings", USES, 0, Ok(0));
    run.mapped(own, |run, _| {
        run.control("uses with one mapping", USES, 0, Ok(1));
        run.mapped(own, |run, _| run.control("uses with two mappings", USES, 0, Ok(2)));
        let child = run.user.fork().and_then(|child| run.checks.success(format!("{own}: fork"), child));
        run.control("uses with a child", USES, 0, Ok(1));
        drop(child);
        run.control("uses after the child", USES, 0, Ok(1));
    });
    let Some(at) = run.checks.success(format!("mmap of {own}"), run.user.map(own)) else { return };
    run.checks.success("munmap of the middle", run.user.unmap(run.address(at, 3, 0), 4));
    run.control("uses of two pieces", USES, 0, Ok(1));
    run.shows("the first piece", at, &device_pages(IMPORTED, 3));
    run.shows("the last piece", run.address(at, 7, 0), &device_pages(IMPORTED + 7, PAGES - 7));
    run.checks.success("munmap of the first piece", run.user.unmap(at, 3));
    run.control("uses of one piece", USES, 0, Ok(1));
    run.checks.success("munmap of the last piece", run.user.unmap(run.address(at, 7, 0), PAGES - 7));
    run.control("uses after munmap", USES, 0, Ok(0));
}

/// Mappings of a purged object show nothing any more. The other object stays.
fn purged<U: User>(run: &mut Run<'_, U>, own: Map, imported: Map) {
    run.mapped(imported, |run, other| {
        run.mapped(own, |run, at| {
            run.shows(own, at, &device_pages(IMPORTED, PAGES));
            run.control("purging", PURGE, 0, Ok(1));
            run.shows(format!("{own}: purged"), at, &[Slot::Nothing; PAGES]);
            run.shows(imported, other, &device_pages(0, IMPORTED));
            for page in IMPORTED..IMPORTED + PAGES {
                if let Some(references) = run.user.references(page) {
                    run.checks.equal(format!("references of page {page}, purged"), &references, &1);
                }
            }
            run.control("purging again", PURGE, 0, Ok(0));
        });
    });
    run.lazy(own, &[Slot::Nothing; PAGES]);
}
