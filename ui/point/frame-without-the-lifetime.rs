//! G21: a helper for both hooks whose frames are of a state of any lifetime: write `&'i self` out.
use vmctx::{Errno, FramePoint, FrameSource, PfnMap, Platform};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> Bar<P> {
    fn place<'i, I: FramePoint<'i, Platform = P, Kind = PfnMap>>(&self, at: I) -> I::Outcome {
        at.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {}
