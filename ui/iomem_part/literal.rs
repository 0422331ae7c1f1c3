//! G21, G27: bounds made up.
use vmctx::{IomemPart, Platform};

fn grow<P: Platform>(object: IomemPart<P>) -> IomemPart<P> {
    IomemPart { bytes: 0..0x10_0000, ..object }
}

fn main() {}
