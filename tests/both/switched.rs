//! A page that can be switched off under its users.

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, RwLock as _, SharedObject, VmFault, VmOperations,
};

use crate::drivers::{RefOf, System, pages, share};

pub(crate) struct Switched<P: Platform> {
    pub(crate) page: P::Page,
    pub(crate) on: P::RwLock<bool>,
    pub(crate) mappings: SharedObject<P>,
}

impl<P: Platform> VmOperations for Switched<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        if *on { ctx.insert_page(&self.page) } else { ctx.fail(Errno::EIO) }
    }
}

pub(crate) struct SwitchedFile<P: Platform>(pub(crate) P::Ref<Switched<P>>);

impl<P: Platform> MmapFile for SwitchedFile<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.mappings)
    }
}

pub(crate) fn switched<S: System>(system: &S) -> RefOf<S, Switched<S::Platform>> {
    let state = Switched {
        page: pages(system, 1).remove(0),
        on: vmctx::RwLock::new(true, system.may_sleep()).unwrap(),
        mappings: SharedObject::new(system.may_sleep()).unwrap(),
    };
    share(system, state)
}
