//! G3: an answer made an errno with `into`, as `vm_fault_to_errno` does in C.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Errno {
    ctx.insert_page(page).into()
}

fn main() {}
