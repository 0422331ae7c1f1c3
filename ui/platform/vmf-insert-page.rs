//! G10: the raw insertion called from a fault, at an address of the driver's choice.
use vmctx::{FaultCtx, Mixed, Platform, platform::FaultCode};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> FaultCode {
    P::vmf_insert_page(&ctx, 0x1000, page)
}

fn main() {}
