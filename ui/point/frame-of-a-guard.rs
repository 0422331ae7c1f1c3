//! G21: a helper for both hooks, and a frame of an object behind a lock.
use vmctx::{Errno, FramePoint, FrameSource, MaySleep, PfnMap, Platform, RwLock};

fn place<'i, P: Platform, I: FramePoint<'i, Platform = P, Kind = PfnMap>>(
    at: I,
    bar: &'i P::RwLock<P::Iomem>,
    may_sleep: MaySleep<'_>,
) -> I::Outcome {
    let bar = bar.read(may_sleep);
    match bar.frame(at.pgoff()) {
        Some(frame) => at.insert_pfn(frame),
        None => at.fail(Errno::ENXIO),
    }
}

fn main() {}
