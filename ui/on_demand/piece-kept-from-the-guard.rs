//! G22, G24: a piece is there for as long as somebody keeps it from being given up.
use vmctx::{IomemPart, Made, MaySleep, OnDemand, Platform};

fn first<'b, P: Platform>(blocks: &'b OnDemand<P, IomemPart<P>>, may_sleep: MaySleep<'_>) -> Option<&'b IomemPart<P>> {
    blocks.resident(may_sleep).get(0).and_then(Made::get)
}

fn main() {}
