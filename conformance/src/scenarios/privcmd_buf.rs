use std::vec;

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::privcmd_buf::{ALLOCATED, HYPERCALL},
    mapping::Slot,
    user::{Map, User},
};

/// Pages of a buffer: whatever the user wants.
const PAGES: usize = 7;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let zeros = vec![Slot::Zeros; PAGES];
    let whole = Map::shared(PAGES);
    for map in [whole, whole.read_only(), whole.at(PageOffset::new(9))] {
        run.one(map, &zeros, true);
    }
    for map in [Map::private(PAGES), Map::private(PAGES).read_only()] {
        run.refused(map, Errno::EINVAL);
    }
    run.does_not_expand(whole);
    run.control("pages after munmap", ALLOCATED, 0, Ok(0));

    // Each mapping has pages of its own.
    run.mapped(whole, |run, at| {
        run.mapped(Map::shared(2), |run, other| {
            run.control("pages of two buffers", ALLOCATED, 0, Ok(PAGES as u64 + 2));
            run.checks.success("a store", run.user.write(at, &[1; 64]));
            run.shows("the other buffer", other, &[Slot::Zeros; 2]);
        });
        run.control("pages of one buffer", ALLOCATED, 0, Ok(PAGES as u64));
    });
    run.mapped(whole, |run, at| run.shows("a buffer after another one", at, &zeros));
    hypercalls(&mut run, whole.at(PageOffset::new(3)));
}

/// The hypervisor finds what the user has written by its address, also where the mapping was cut.
fn hypercalls<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        run.together("hypercalls of many threads", |user, thread, checks| {
            let argument = 0x0123_4567_89ab_cdef_u64 ^ thread as u64;
            for page in 0..map.pages {
                let place = page.wrapping_mul(size).wrapping_add(thread.wrapping_mul(24));
                let address = UserAddr::new(at.get().wrapping_add(place));
                checks.success("an argument", user.write(address, &argument.to_le_bytes()));
                let answer = user.control(HYPERCALL, address.get() as u64);
                checks.equal("what the hypervisor has read", &answer, &Ok(argument));
                let mut result = [0; 8];
                checks.success("a result", user.read(address, &mut result));
                checks.equal("what the hypervisor has written", &u64::from_le_bytes(result), &!argument);
            }
        });
        // What is left of a cut buffer keeps all pages of it.
        run.checks.success("a store", run.user.write(run.address(at, 2, 0), &7_u64.to_le_bytes()));
        run.checks.success("munmap of the front", run.user.unmap(at, 2));
        let call = |page, offset| run.address(at, page, offset).get() as u64;
        let (front, left, across) = (call(1, 0), call(2, 0), call(2, size - 4));
        run.control("a hypercall with what is left", HYPERCALL, left, Ok(7));
        run.control("a hypercall with what is gone", HYPERCALL, front, Err(Errno::EFAULT));
        run.control("a hypercall across pages", HYPERCALL, across, Err(Errno::EINVAL));
        run.control("pages of what is left", ALLOCATED, 0, Ok(map.pages as u64));
        run.with_child(|run, child| {
            run.checks.success("munmap of the parent's", run.user.unmap(at, map.pages));
            run.control("pages while a child has them", ALLOCATED, 0, Ok(map.pages as u64));
            run.checks.equal("a child's hypercall", &child.control(HYPERCALL, left), &Ok(!7));
        });
    });
    run.control("pages after the last munmap", ALLOCATED, 0, Ok(0));
}
