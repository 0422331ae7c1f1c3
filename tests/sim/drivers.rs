//! Drivers made of closures, so that each test says in one place what its driver does.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use vmctx::{
    Errno, FaultCtx, Handle, Hooks, Mapped, Mapping, MmapCtx, MmapFile, Page as _, PageOffset, UserAddr, VmFault,
    VmOperations, kind::FilledLater,
};
use vmctx_sim::{File, Machine, Page, Process, Sim, SyscallError};

pub(crate) const PAGE: usize = 4096;

/// A file whose mmap hook is a closure.
struct OnMmap<F>(F);

impl<F> MmapFile for OnMmap<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        (self.0)(ctx)
    }
}

/// A mapping whose fault hook is a closure.
pub(crate) struct OnFault<M, F> {
    fault: F,
    kind: PhantomData<fn(M) -> M>,
}

impl<M, F> VmOperations for OnFault<M, F>
where
    M: Mapping,
    F: for<'f> Fn(FaultCtx<'f, Sim, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = Sim;
    type Mapping = M;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, M>) -> VmFault<'f> {
        (self.fault)(ctx)
    }
}

/// A mapping that tells at which page offsets it is to be cut, and lets that happen or not.
pub(crate) struct Uncut(pub(crate) Arc<dyn Fn(PageOffset) -> Result<(), Errno> + Send + Sync>);

impl VmOperations for Uncut {
    type Platform = Sim;
    type Mapping = vmctx::Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(|uncut, at| (uncut.0)(at));
}

/// Opens a file with this mmap hook.
pub(crate) fn open<F>(machine: &Machine, mmap: F) -> File
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    machine.open(OnMmap(mmap))
}

/// The state of a mapping with this fault hook.
pub(crate) fn on_fault<M, F>(fault: F) -> OnFault<M, F>
where
    F: for<'f> Fn(FaultCtx<'f, Sim, M>) -> VmFault<'f>,
{
    OnFault { fault, kind: PhantomData }
}

/// Opens a file of which all mappings share one state, with this fault hook.
pub(crate) fn faulting<M, F>(machine: &Machine, fault: F) -> File
where
    M: Mapping + FilledLater,
    F: for<'f> Fn(FaultCtx<'f, Sim, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    let state = Arc::new(on_fault::<M, F>(fault));
    open(machine, move |ctx| Ok(ctx.establish_shared(Arc::clone(&state))?.fill_later()))
}

/// The handles of a file's mappings, in the order in which they were made.
pub(crate) type Handles<M> = Arc<Mutex<Vec<Handle<Sim, M>>>>;

/// Opens a file that notes the handles of its mappings, and what is to be each one's state.
pub(crate) fn with_handles<V>(
    machine: &Machine,
    state: impl Fn() -> Arc<V> + Send + Sync + 'static,
) -> (File, Handles<V::Mapping>)
where
    V: VmOperations<Platform = Sim>,
    V::Mapping: FilledLater,
{
    let handles: Handles<V::Mapping> = Arc::default();
    let file = open(machine, {
        let handles = Arc::clone(&handles);
        move |ctx| {
            let ctx = ctx.establish_shared(state())?;
            handles.lock().unwrap().push(ctx.handle()?);
            Ok(ctx.fill_later())
        }
    });
    (file, handles)
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Fresh pages, each filled with its index plus one.
pub(crate) fn pages(machine: &Machine, count: usize) -> Vec<Page> {
    let page = |index: usize| {
        let page = machine.alloc_page().unwrap();
        page.write(0, &[u8::try_from(index + 1).unwrap(); PAGE]).unwrap();
        page
    };
    (0..count).map(page).collect()
}

pub(crate) fn first_byte(page: &Page) -> u8 {
    let mut byte = [0];
    page.read(0, &mut byte).unwrap();
    byte[0]
}

/// The address that many pages further on.
pub(crate) fn page_at(address: UserAddr, pages: usize) -> UserAddr {
    UserAddr::new(address.get() + pages * PAGE)
}

pub(crate) fn errno<T: std::fmt::Debug>(result: Result<T, SyscallError>) -> Errno {
    result.unwrap_err().errno().unwrap()
}

/// Runs a closure in this many threads, each a user thread of the process.
pub(crate) fn in_threads(process: &Process, count: usize, body: impl Fn(usize, vmctx_sim::Thread) + Sync) {
    std::thread::scope(|scope| {
        for index in 0..count {
            let user = process.thread();
            let body = &body;
            scope.spawn(move || body(index, user));
        }
    });
}
