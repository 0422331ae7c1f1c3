//! G17, G18: a platform makes promises that cannot be checked, so a driver cannot be one.
use vmctx::Platform;

struct Mine;

impl Platform for Mine {}

fn main() {}
