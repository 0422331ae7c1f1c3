//! G21: pages given back to the pool in one go, while users have them mapped (CVE-2024-53148, comedi).
use vmctx::{Platform, UniquePage};

fn give_back<P: Platform>(free: &mut Vec<UniquePage<P>>, buffer: Vec<P::Page>) {
    free.extend(buffer);
}

fn main() {}
