//! G4: an answer kept in the mapping's state, to be given again.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

struct Replay {
    last: Option<VmFault<'static>>,
}

fn remember<P: Platform>(replay: &mut Replay, ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    replay.last = Some(ctx.insert_page(page));
}

fn main() {}
