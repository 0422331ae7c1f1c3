//! G8: `generic_access_phys` of an established mapping.
use vmctx::{Errno, EstablishedCtx, PfnMap, Platform};

fn peek<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
    established.copy_mapped()
}

fn main() {}
