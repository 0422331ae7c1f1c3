use std::format;

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::usbvision::{FRAME, RELEASE, REQUEST_FRAMES, UNPLUG},
    mapping::{Slot, device_pages},
    user::{Map, User},
};

/// How many frames the user requests.
const FRAMES: usize = 4;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let frame = |number: usize| Map::shared(FRAME).at(PageOffset::new(number * FRAME));
    run.refused(frame(0), Errno::EINVAL);
    run.control("no frames at all", REQUEST_FRAMES, 0, Err(Errno::EINVAL));
    run.control("frames", REQUEST_FRAMES, FRAMES as u64, Ok(0));
    run.device_fills(0, FRAMES * FRAME);
    for number in 0..FRAMES {
        for map in [frame(number), Map { shared: false, ..frame(number) }] {
            run.one(map, &device_pages(number * FRAME, FRAME), false);
        }
    }
    run.refused(frame(0).read_only(), Errno::EINVAL);
    run.refused(frame(FRAMES), Errno::EINVAL);
    run.refused(frame(0).at(PageOffset::new(1)), Errno::EINVAL);
    run.refused(Map { pages: FRAME - 1, ..frame(0) }, Errno::EINVAL);
    run.refused(Map { pages: FRAME + 1, ..frame(0) }, Errno::EINVAL);
    run.does_not_expand(frame(1));

    run.mapped(frame(1), |run, at| {
        run.control("frames while one is mapped", REQUEST_FRAMES, 1, Err(Errno::EBUSY));
        run.shows("the frame", at, &device_pages(FRAME, FRAME));
    });
    run.control("other frames", REQUEST_FRAMES, 2, Ok(0));
    run.refused(frame(2), Errno::EINVAL);
    run.mapped(frame(1), |run, at| run.shows("a new frame", at, &[Slot::Zeros; FRAME]));
    run.device_fills(0, 2 * FRAME);
    unplugged(&mut run, frame(1));
}

/// What is mapped outlives the plug.
fn unplugged<U: User>(run: &mut Run<'_, U>, map: Map) {
    let Some(at) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    run.control("release of what is plugged in", RELEASE, 0, Ok(0));
    run.control("pulling the plug", UNPLUG, 0, Ok(0));
    run.refused(map, Errno::EFAULT);
    run.control("frames of what is unplugged", REQUEST_FRAMES, 1, Err(Errno::ENODEV));
    run.with_child(|run, child| {
        run.checks.success("munmap", run.user.unmap(at, map.pages));
        run.control("release while a child has a frame", RELEASE, 0, Ok(0));
        run.checks.success("the child's frame", child.read(at, &mut [0]));
        run.checks.success("munmap", child.unmap(at, map.pages));
    });
    // For platforms without children, where the closure above did not run. Where it did, nothing is mapped here, and to
    // unmap that is no error.
    run.checks.success("munmap", run.user.unmap(at, map.pages));
    run.control("release after the last munmap", RELEASE, 0, Ok(1));
}
