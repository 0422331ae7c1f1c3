use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::{
        ht16k33::{LEDS, UPDATE},
        pair, pattern,
    },
    mapping::device_pages,
    user::{Map, User},
};
use vmctx_drivers::ht16k33::LED_BYTES;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    run.eager(Map::shared(1), &device_pages(0, 1));
    run.eager(Map::shared(1).at(PageOffset::new(3)), &device_pages(0, 1));
    run.refused(Map::shared(2), Errno::ENXIO);
    run.mapped(Map::shared(1), |run, at| {
        run.control("all LEDs are new", UPDATE, 0, Ok(pair(0, LED_BYTES)));
        run.control("no LED is new", UPDATE, 0, Ok(0));
        // A store behind the LEDs changes nothing that is shown. Then the bytes 5 and 9 change, and what lies between
        // is sent with them.
        run.checks.success("behind the LEDs", run.user.write(run.address(at, 0, LED_BYTES), &[1; 8]));
        run.control("what is not shown is not sent", UPDATE, 0, Ok(0));
        for byte in [5, 9] {
            run.checks.success("drawing", run.user.write(run.address(at, 0, byte), &[!pattern(byte)]));
        }
        run.control("a LED that is not yet sent", LEDS, 5, Ok(pattern(5).into()));
        run.control("what was drawn is sent", UPDATE, 0, Ok(pair(5, 10)));
        for byte in 0..LED_BYTES {
            let wanted = if [5, 9].contains(&byte) { !pattern(byte) } else { pattern(byte) };
            run.control("a LED", LEDS, byte as u64, Ok(wanted.into()));
        }
    });
    run.control("no LED", LEDS, LED_BYTES as u64, Err(Errno::EINVAL));
}
