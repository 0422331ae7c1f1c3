use std::{format, vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::firewire_iso::{DESTROY, RECEIVE, TRANSMIT},
    mapping::{Slot, device_pages, device_read, device_write},
    user::{Map, User},
};

/// Pages of a buffer: whatever the user wants.
const PAGES: usize = 6;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let zeros = [Slot::Zeros; PAGES];
    let whole = Map::shared(PAGES);
    for map in [whole, whole.read_only(), whole.at(PageOffset::new(4)), Map::shared(1)] {
        run.one(map, zeros.get(..map.pages).unwrap_or_default(), true);
    }
    for map in [Map::private(PAGES), Map::private(PAGES).read_only()] {
        run.refused(map, Errno::EINVAL);
    }
    one_buffer(&mut run, whole);
    transmits(&mut run, whole);
    receives(&mut run, whole);
    // A buffer that is mapped for one direction keeps it.
    run.mapped(whole, |run, _| {
        run.control("a context for the other direction", RECEIVE, 0, Err(Errno::EINVAL));
        run.control("a context", TRANSMIT, 0, Ok(0));
        run.control("a second one", TRANSMIT, 0, Err(Errno::EBUSY));
    });
    run.control("no context", DESTROY, 0, Ok(0));
}

/// A client has one buffer, for as long as anything of it is mapped anywhere.
fn one_buffer<U: User>(run: &mut Run<'_, U>, map: Map) {
    let Some(at) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    run.refused(map, Errno::EBUSY);
    run.checks.success("munmap of the middle", run.user.unmap(run.address(at, 2, 0), 2));
    run.refused(map, Errno::EBUSY);
    run.checks.success("munmap of the front", run.user.unmap(at, 2));
    let child = |run: &mut Run<'_, U>, _: &U| {
        run.checks.success("munmap of the rest", run.user.unmap(run.address(at, 4, 0), map.pages.saturating_sub(4)));
        run.refused(map, Errno::EBUSY);
    };
    if !run.with_child(child) {
        run.checks.success("munmap of the rest", run.user.unmap(run.address(at, 4, 0), map.pages.saturating_sub(4)));
    }
    run.mapped(map, |run, at| run.shows("a buffer after another one", at, &vec![Slot::Zeros; map.pages]));
}

/// The controller reads what the user writes, and may not write.
fn transmits<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.control("a context that transmits", TRANSMIT, 0, Ok(0));
    run.mapped(map, |run, at| {
        let size = run.user.page_size();
        run.together("packets of many threads", |user, thread, checks| {
            let packet = [u8::try_from(thread).unwrap_or(u8::MAX); 16];
            for page in 0..map.pages {
                let place = page.wrapping_mul(size).wrapping_add(thread.wrapping_mul(packet.len()));
                checks.success("a packet", user.write(vmctx::UserAddr::new(at.get().wrapping_add(place)), &packet));
                let mut sent = [0; 16];
                checks.success("its transmission", device_read(user, place, &mut sent));
                checks.equal("what is transmitted", &sent, &packet);
            }
        });
        let written = device_write(run.user, 0, &[1]);
        run.checks.failure("the controller writes what it transmits", written, &Errno::EIO);
    });
    run.control("no context", DESTROY, 0, Ok(0));
}

/// The user reads what the controller writes, and may not write.
fn receives<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.control("a context that receives", RECEIVE, 0, Ok(0));
    run.refused(map, Errno::EPERM);
    run.one(map.read_only(), &vec![Slot::Zeros; map.pages], true);
    run.mapped(map.read_only(), |run, at| {
        run.device_fills(0, map.pages);
        run.shows("what is received", at, &device_pages(0, map.pages));
        let outside = device_write(run.user, map.pages.wrapping_mul(run.user.page_size()), &[1]);
        run.checks.failure("the controller behind the end", outside, &Errno::EINVAL);
    });
    run.control("no context", DESTROY, 0, Ok(0));
}
