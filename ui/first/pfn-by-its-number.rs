//! G13: A frame is inserted by a number.
//! At: `ctx.insert_pfn(0xfd00_0000`
//! Write instead: `source.frame(at)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn(0xfd00_0000_u64 >> 12)
    }
}

fn main() {}
