//! G4: a closure that carries the answer out of the hook.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn with_any_fault<P: Platform>(_hook: impl for<'f> FnMut(FaultCtx<'f, P, Mixed>) -> VmFault<'f>) {}

fn collect<P: Platform>(page: &P::Page, spare: &P::Page) {
    let mut kept = None;
    with_any_fault::<P>(|ctx| {
        let answer = ctx.insert_page(page);
        kept.replace(answer).unwrap_or_else(|| panic!("no page but {}", core::mem::size_of_val(spare)))
    });
}

fn main() {}
