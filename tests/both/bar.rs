//! A BAR that can be switched off while users have it mapped.

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Mapped, MmapCtx, MmapFile, PfnMap, Platform, RwLock as _, SharedObject, VmFault,
    VmOperations,
};

use crate::drivers::{RefOf, System, share};

pub(crate) struct Bar<P: Platform> {
    pub(crate) memory: P::Iomem,
    pub(crate) on: P::RwLock<bool>,
    pub(crate) mappings: SharedObject<P>,
}

/// A BAR of this memory, switched on.
pub(crate) fn bar<S: System>(system: &S, memory: <S::Platform as Platform>::Iomem) -> RefOf<S, Bar<S::Platform>> {
    let on = vmctx::RwLock::new(true, system.may_sleep()).unwrap();
    share(system, Bar { memory, on, mappings: SharedObject::new(system.may_sleep()).unwrap() })
}

/// One of its open files: all are of the same object, or, to be wrong, of none.
pub(crate) struct BarFile<P: Platform> {
    pub(crate) bar: P::Ref<Bar<P>>,
    pub(crate) is_of_it: bool,
}

impl<P: Platform> MmapFile for BarFile<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        self.is_of_it.then_some(&self.bar.mappings)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.bar.clone())?.fill_later())
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        match self.memory.frame(ctx.pgoff()) {
            Some(frame) if *on => ctx.insert_pfn(frame),
            _ => ctx.fail(Errno::EIO),
        }
    }
}
