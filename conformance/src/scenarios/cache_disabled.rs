use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::Run;
use crate::{
    devices::cache_disabled::{NONCACHED, PAGES, REGIONS, WRITE_BACK, WRITE_COMBINE},
    mapping::Slot,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    let region_of = |page: usize| REGIONS.iter().find(|region| region.pages.contains(PageOffset::new(page)));
    let slots: Vec<Slot> =
        (0..PAGES).map(|page| region_of(page).map_or(Slot::Nothing, |_| Slot::Device(page))).collect();
    for map in [whole, whole.read_only()] {
        run.one(map, &slots, false);
    }
    run.one(Map::shared(4).at(PageOffset::new(5)), slots.get(5..9).unwrap_or_default(), false);
    run.refused(Map::shared(PAGES + 1), Errno::EINVAL);
    run.refused(Map::shared(2).at(PageOffset::new(PAGES - 1)), Errno::EINVAL);
    run.refused(Map::private(PAGES), Errno::EINVAL);
    run.refused(Map::private(PAGES).read_only(), Errno::EINVAL);

    // One mapping shows regions that are cached in three ways.
    let as_made = REGIONS.map(|region| region.cache);
    for map in [whole, whole.read_only()] {
        run.mapped(map, |run, at| {
            run.shows(map, at, &slots);
            caches(run, map, at, as_made);
        });
    }
    // A change reaches mappings that are there already, those of children too.
    run.mapped(whole, |run, at| {
        let mut now = as_made;
        for (region, request, cache) in [
            (1, NONCACHED, Cache::Noncached),
            (2, WRITE_COMBINE, Cache::WriteCombine),
            (0, WRITE_BACK, Cache::WriteBack),
            (0, NONCACHED, Cache::Noncached),
            (1, WRITE_COMBINE, Cache::WriteCombine),
            (2, WRITE_BACK, Cache::WriteBack),
        ] {
            run.shows(format!("{whole}: before a change of region {region}"), at, &slots);
            let child = run.user.fork().and_then(|child| run.checks.success(format!("{whole}: fork"), child));
            run.control(format!("changing region {region}"), request, region as u64, Ok(0));
            if let Some(old) = now.get_mut(region) {
                *old = cache;
            }
            run.shows(format!("{whole}: after a change of region {region}"), at, &slots);
            caches(run, whole, at, now);
            if let Some(child) = &child {
                let mut run = Run { user: child, threads: run.threads, checks: &mut *run.checks };
                run.shows(format!("{whole}: in a child"), at, &slots);
                caches(&mut run, whole, at, now);
            }
        }
    });
    run.control("changing a region that does not exist", NONCACHED, REGIONS.len() as u64, Err(Errno::EINVAL));
}

/// How the pages of each region are cached in a mapping of the whole BAR. They were touched before.
fn caches<U: User>(run: &mut Run<'_, U>, map: Map, at: UserAddr, wanted: [Cache; REGIONS.len()]) {
    for (number, (region, wanted)) in REGIONS.iter().zip(wanted).enumerate() {
        for page in region.pages.start.index()..region.pages.end.index() {
            if let Some(cache) = run.user.cache(run.address(at, page, 0)) {
                let what = format!("{map}: cache attribute of page {page} of region {number}");
                run.checks.equal(what, &cache, &wanted);
            }
        }
    }
}
