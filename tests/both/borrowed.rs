//! Drivers made of closures and of what they look at. A frame is borrowed from the mapping's state in a fault, and from
//! the file at mmap (G21), so one that a closure has caught does not compile.

use std::marker::PhantomData;

use vmctx::{Errno, FaultCtx, Kind, Mapped, MmapCtx, MmapFile, Platform, VmFault, VmOperations, kind::FilledLater};

use crate::drivers::{System, open, share};

/// A file whose mmap hook is a closure that is shown what the file has.
struct FileWith<T, P, F> {
    of: T,
    mmap: F,
    platform: PhantomData<fn(P) -> P>,
}

impl<T, P, F> MmapFile for FileWith<T, P, F>
where
    T: Send + Sync + 'static,
    P: Platform,
    F: for<'m> Fn(&'m T, MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        (self.mmap)(&self.of, ctx)
    }
}

/// A mapping whose fault hook is a closure that is shown what the state has.
pub(crate) struct StateWith<T, P, M, F> {
    of: T,
    fault: F,
    kind: PhantomData<fn() -> (P, M)>,
}

impl<T, P, M, F> VmOperations for StateWith<T, P, M, F>
where
    T: Send + Sync + 'static,
    P: Platform,
    M: Kind,
    F: for<'f> Fn(&'f T, FaultCtx<'f, P, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = P;
    type Kind = M;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, M>) -> VmFault<'f> {
        (self.fault)(&self.of, ctx)
    }
}

/// Opens a file that has this, with this mmap hook.
pub(crate) fn open_with<T, S: System, F>(system: &S, of: T, mmap: F) -> S::File
where
    T: Send + Sync + 'static,
    F: for<'m> Fn(&'m T, MmapCtx<'m, S::Platform>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    system.open(FileWith { of, mmap, platform: PhantomData })
}

/// Opens a file of which all mappings share one state, which has this, with this fault hook.
pub(crate) fn faulting_with<M, T, S: System, F>(system: &S, of: T, fault: F) -> S::File
where
    M: Kind + FilledLater,
    T: Send + Sync + 'static,
    F: for<'f> Fn(&'f T, FaultCtx<'f, S::Platform, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    let state = share(system, StateWith::<T, S::Platform, M, F> { of, fault, kind: PhantomData });
    open(system, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()))
}
