//! G7: a hook is a function; what it needs is in the state.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, PageMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

fn counted<P: Platform>(calls: u32) -> impl for<'f> Fn(&Ring<P>, PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    move |_, ctx| if calls == 0 { ctx.fail(Errno::EDQUOT) } else { ctx.allow() }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(counted(3));
}

fn main() {}
