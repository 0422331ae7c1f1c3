//! G3: the conversion asked for by somebody else's generic function.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn convert<T: From<Errno>>(errno: Errno) -> T {
    T::from(errno)
}

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    convert(Errno::ENXIO)
}

fn main() {}
