//! G4, G15: what `map_pages` leaves out is asked of the fault hook.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault, Waited};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, waited: Waited<'f>) -> VmFault<'f> {
    ctx.refault(waited)
}

fn main() {}
