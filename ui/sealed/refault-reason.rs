//! G4, G17: evidence of the driver's own.
use vmctx::RefaultReason;

struct Trust;

impl<'f> RefaultReason<'f> for Trust {}

fn main() {}
