//! Drivers made of closures, so that each test says in one place what its driver does, on whatever platform.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use vmctx::{
    Errno, FaultCtx, Handle, Kind, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageRef, Platform, UserAddr, VmFault,
    VmOperations, kind::FilledLater,
};

pub(crate) const PAGE: usize = 4096;

/// What drivers are opened on, and have their pages from.
pub(crate) trait System {
    type Platform: Platform;
    /// An open file of a driver's.
    type File: Send + Sync;

    fn open(&self, driver: impl MmapFile<Platform = Self::Platform>) -> Self::File;

    fn memory(&self) -> &<Self::Platform as Platform>::Memory;

    fn may_sleep(&self) -> MaySleep<'_>;
}

/// The pages of a system.
pub(crate) type PageOf<S> = <<S as System>::Platform as Platform>::Page;

/// What the mappings of a system share a state by.
pub(crate) type RefOf<S, V> = <<S as System>::Platform as Platform>::Ref<V>;

impl System for vmctx_sim::Machine {
    type Platform = vmctx_sim::Sim;
    type File = vmctx_sim::File;

    fn open(&self, driver: impl MmapFile<Platform = Self::Platform>) -> Self::File {
        self.open(driver)
    }

    fn memory(&self) -> &Self {
        self
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.may_sleep()
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
impl System for vmctx_uffd::Session {
    type Platform = vmctx_uffd::Uffd;
    type File = vmctx_uffd::File;

    fn open(&self, driver: impl MmapFile<Platform = Self::Platform>) -> Self::File {
        self.file(driver)
    }

    fn memory(&self) -> &vmctx_uffd::Memory {
        self.memory()
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.memory().may_sleep()
    }
}

/// A file whose mmap hook is a closure.
struct OnMmap<P, F> {
    mmap: F,
    platform: PhantomData<fn(P) -> P>,
}

impl<P, F> MmapFile for OnMmap<P, F>
where
    P: Platform,
    F: for<'m> Fn(MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        (self.mmap)(ctx)
    }
}

/// A mapping whose fault hook is a closure.
pub(crate) struct OnFault<P, M, F> {
    fault: F,
    kind: PhantomData<fn() -> (P, M)>,
}

impl<P, M, F> VmOperations for OnFault<P, M, F>
where
    P: Platform,
    M: Kind,
    F: for<'f> Fn(FaultCtx<'f, P, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = P;
    type Kind = M;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, M>) -> VmFault<'f> {
        (self.fault)(ctx)
    }
}

/// Opens a file with this mmap hook.
pub(crate) fn open<S: System, F>(system: &S, mmap: F) -> S::File
where
    F: for<'m> Fn(MmapCtx<'m, S::Platform>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    system.open(OnMmap { mmap, platform: PhantomData })
}

/// The state of a mapping with this fault hook.
pub(crate) fn on_fault<P, M, F>(fault: F) -> OnFault<P, M, F>
where
    P: Platform,
    F: for<'f> Fn(FaultCtx<'f, P, M>) -> VmFault<'f>,
{
    OnFault { fault, kind: PhantomData }
}

/// A state that mappings can share.
pub(crate) fn share<S: System, V: Send + Sync + 'static>(system: &S, state: V) -> RefOf<S, V> {
    S::Platform::share(state, system.may_sleep()).unwrap()
}

/// Opens a file of which all mappings share one state, with this fault hook.
pub(crate) fn faulting<M, S: System, F>(system: &S, fault: F) -> S::File
where
    M: Kind + FilledLater,
    F: for<'f> Fn(FaultCtx<'f, S::Platform, M>) -> VmFault<'f> + Send + Sync + 'static,
{
    let state = share(system, on_fault::<S::Platform, M, F>(fault));
    open(system, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()))
}

/// A file with these pages, inserted as they are touched.
pub(crate) fn ring<S: System>(system: &S, pages: &[PageOf<S>]) -> S::File {
    let pages = pages.to_vec();
    faulting::<Mixed, _, _>(system, move |ctx| match pages.get(ctx.pgoff().index()) {
        Some(page) => ctx.insert_page(page),
        None => ctx.fail(Errno::ENXIO),
    })
}

/// The handles of a file's mappings, in the order in which they were made.
pub(crate) type Handles<P, M> = Arc<Mutex<Vec<Handle<P, M>>>>;

/// Opens a file that notes the handles of its mappings, and what is to be each one's state.
pub(crate) fn with_handles<S: System, V>(
    system: &S,
    state: impl Fn(MaySleep<'_>) -> RefOf<S, V> + Send + Sync + 'static,
) -> (S::File, Handles<S::Platform, V::Kind>)
where
    V: VmOperations<Platform = S::Platform>,
    V::Kind: FilledLater,
{
    let handles = Handles::default();
    let file = open(system, {
        let handles = Arc::clone(&handles);
        move |ctx| {
            let state = state(ctx.may_sleep());
            let ctx = ctx.writable().establish_shared(state)?;
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

/// Fresh pages, the first full of ones, the second of twos, and so on.
pub(crate) fn pages<S: System>(system: &S, count: usize) -> Vec<PageOf<S>> {
    let page = |index: usize| {
        let page = S::Platform::alloc_page(system.memory(), system.may_sleep()).unwrap();
        page.write(0, &[number(index); PAGE]).unwrap();
        page
    };
    (0..count).map(page).collect()
}

/// What page `index` of [`pages`] is full of.
pub(crate) fn number(index: usize) -> u8 {
    u8::try_from(index % 251).unwrap() + 1
}

pub(crate) fn first_byte(page: &impl PageRef) -> u8 {
    let mut byte = [0];
    page.read(0, &mut byte).unwrap();
    byte[0]
}

/// The address that many pages further on.
pub(crate) fn page_at(address: UserAddr, pages: usize) -> UserAddr {
    UserAddr::new(address.get() + pages * PAGE)
}
