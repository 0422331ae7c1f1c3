//! G25, G9: a mapping without faults is filled when it is made.
use vmctx::{Normal, Platform, WithoutFaults};

struct Nobody<P: Platform>(WithoutFaults<P, Normal>);

fn main() {}
