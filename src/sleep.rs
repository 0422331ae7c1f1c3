//! The right to sleep.

use core::marker::PhantomData;

use crate::token::OneThread;

/// The right to sleep. Whatever may sleep takes one as an argument, and so cannot be called where there is none
/// ([G15](crate::guide::guarantees#g15)): allocations, locks, and a driver's own functions that wait for something.
///
/// The tokens of hooks that may sleep give it: `ctx.may_sleep()`. Outside hooks the platform does: when a device is
/// opened or a module loaded. It is good for as long as what gave it is borrowed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Mixed, Platform, RwLock, VmFault};
///
/// /// Who has a token that may sleep has the right to.
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &P::RwLock<Vec<P::Page>>) -> VmFault<'f> {
///     ctx.insert_page_with(|ctx| {
///         let pages = pages.read(ctx.may_sleep());
///         ctx.pgoff().of(&pages).cloned().ok_or(Errno::ENXIO)
///     })
/// }
/// ```
#[doc(alias("GFP_KERNEL", "might_sleep"))]
#[derive(Clone, Copy)]
pub struct MaySleep<'a> {
    context: PhantomData<&'a ()>,
    _thread: OneThread,
}

/// Makes the right. Not an associated function of [`MaySleep`], which rustc would suggest to whoever tries a literal.
pub(crate) const fn may_sleep<'a>() -> MaySleep<'a> {
    MaySleep { context: PhantomData, _thread: OneThread::MARK }
}
