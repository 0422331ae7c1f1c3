//! G13, G22: a frame of memory that can be taken back, inserted from an ioctl into whichever mapping.
use vmctx::{Backing, Errno, EstablishedCtx, PageCount, PageOffset, PfnMap, Platform, Revocable, Spot, VmOperations};

fn fill<P: Platform, B: Backing<Platform = P>, V: VmOperations<Platform = P, Kind = PfnMap>>(
    mapping: &EstablishedCtx<'_, P, PfnMap>,
    memory: &Revocable<P, B>,
) -> Option<Result<(), Errno>> {
    let resident = memory.resident(mapping.may_sleep());
    mapping.with_state(|_: &V, slots| match resident.spot(PageCount::ZERO)? {
        Spot::Frame(frame) => slots.insert_pfn(PageOffset::ZERO, frame),
        Spot::Page(_) => Err(Errno::EINVAL),
    })
}

fn main() {}
