use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::xen_drm_front_gem::{CREATE, DESTROY, OBJECTS, SHARED},
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let [(first, first_pages), (second, second_pages)] = OBJECTS;
    let (whole, other) = (Map::shared(first_pages).at(first), Map::shared(second_pages).at(second));
    run.lazy(whole, &device_pages(0, first_pages));
    run.lazy(other, &device_pages(first_pages, second_pages));
    // A shorter mapping shows the object from its start on: the fake offset only finds it.
    run.lazy(Map { pages: 4, ..whole }, &device_pages(0, 4));
    run.refused(Map { pages: first_pages + 1, ..whole }, Errno::EINVAL);
    run.refused(Map::shared(1).at(PageOffset::new(first.index() + 1)), Errno::EINVAL);
    run.refused(Map::shared(1), Errno::EINVAL);
    // Memory that is shared with another domain has to be cached.
    run.cached(whole, 0, Cache::WriteBack);
    run.does_not_expand(whole);

    // Without its handle an object lives on as long as it is mapped.
    let both = (first_pages + second_pages) as u64;
    run.mapped(whole, |run, at| {
        run.control("no handle", DESTROY, 0, Ok(0));
        run.control("no handle twice", DESTROY, 0, Err(Errno::ENOENT));
        run.refused(whole, Errno::EINVAL);
        run.control("pages that the backend is at", SHARED, 0, Ok(both));
        run.with_child(|run, child| {
            run.checks.success("munmap of the parent's front", run.user.unmap(at, 1));
            run.control("pages that the backend is at", SHARED, 0, Ok(both));
            run.checks.success("the child's page", child.read(at, &mut [0]));
        });
        let rest = device_pages(1, first_pages - 1);
        run.shows("without a handle", run.address(at, 1, 0), &rest);
    });
    run.control("pages that the backend is at, after the last munmap", SHARED, 0, Ok(second_pages as u64));
    run.control("a handle again", CREATE, 0, Ok(0));
    run.control("a second one", CREATE, 0, Err(Errno::EEXIST));
    run.lazy(whole, &device_pages(0, first_pages));
    run.control("pages that the backend is at, at the end", SHARED, 0, Ok(both));
}
