//! Files that describe their mappings, made of closures that are shown what the file has.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use vmctx::{
    ByPrepare, Errno, FaultCtx, Handle, Hooks, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
    VmFault, VmOperations,
};

use crate::drivers::{RefOf, System};

/// A file with these hooks.
struct Describing<T, V, D, M> {
    of: T,
    describe: D,
    mapped: M,
    ops: PhantomData<fn(V) -> V>,
}

impl<T, V, D, M> PrepareFile for Describing<T, V, D, M>
where
    T: Send + Sync + 'static,
    V: VmOperations + Told,
    D: for<'m> Fn(&'m T, PrepareCtx<'m, V::Platform>) -> Result<Prepared<'m, V::Platform, V::Kind>, Errno>
        + Send
        + Sync
        + 'static,
    M: Fn(&T, PageRange, MaySleep<'_>) -> Result<<V::Platform as Platform>::Ref<V>, Errno> + Send + Sync + 'static,
{
    type Platform = V::Platform;
    type Ops = V;

    fn mmap_prepare<'m>(
        &'m self,
        ctx: PrepareCtx<'m, V::Platform>,
    ) -> Result<Prepared<'m, V::Platform, V::Kind>, Errno> {
        (self.describe)(&self.of, ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<<V::Platform as Platform>::Ref<V>, Errno> {
        (self.mapped)(&self.of, shown, may_sleep)
    }

    fn handle(&self, state: &V, handle: Handle<V::Platform, V::Kind>) {
        state.told(handle);
    }
}

/// A state that is told its handle.
pub(crate) trait Told: VmOperations {
    fn told(&self, _: Handle<Self::Platform, Self::Kind>) {}
}

impl<P: Platform, K: vmctx::kind::Populated> Told for vmctx::WithoutFaults<P, K> {}

/// Opens a file that has this, with these hooks.
pub(crate) fn describing<T, V, S: System, D, M>(system: &S, of: T, describe: D, mapped: M) -> S::File
where
    T: Send + Sync + 'static,
    V: VmOperations<Platform = S::Platform> + Told,
    D: for<'m> Fn(&'m T, PrepareCtx<'m, S::Platform>) -> Result<Prepared<'m, S::Platform, V::Kind>, Errno>
        + Send
        + Sync
        + 'static,
    M: Fn(&T, PageRange, MaySleep<'_>) -> Result<RefOf<S, V>, Errno> + Send + Sync + 'static,
{
    system.open(ByPrepare(Describing { of, describe, mapped, ops: PhantomData::<fn(V) -> V> }))
}

/// What a driver is told of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Prepare,
    Mapped,
    Open,
    Handle,
    Close,
    Drop,
}

/// What was called, in order.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    pub(crate) fn note(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }

    /// Those since this was last asked.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A state that notes what it is told, and inserts what it has when it is touched.
pub(crate) struct Noting<P: Platform> {
    pub(crate) calls: Calls,
    pub(crate) pages: Vec<P::Page>,
    /// What the open hook says.
    pub(crate) opened: Result<(), Errno>,
    pub(crate) handle: Mutex<Option<Handle<P, Mixed>>>,
}

impl<P: Platform> Noting<P> {
    pub(crate) fn new(calls: &Calls, pages: &[P::Page]) -> Self {
        Self { calls: calls.clone(), pages: pages.to_vec(), opened: Ok(()), handle: Mutex::default() }
    }
}

impl<P: Platform> VmOperations for Noting<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|state: &Self| {
            state.calls.note(Call::Open);
            state.opened
        })
        .close(|state| state.calls.note(Call::Close));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

impl<P: Platform> Told for Noting<P> {
    fn told(&self, handle: Handle<P, Mixed>) {
        self.calls.note(Call::Handle);
        *self.handle.lock().unwrap() = Some(handle);
    }
}

impl<P: Platform> Drop for Noting<P> {
    fn drop(&mut self) {
        self.calls.note(Call::Drop);
    }
}
