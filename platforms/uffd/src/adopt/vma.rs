//! VMAs of a peer: those of `vmctx-hosted`, each of which is a region.

use std::{ops::Range, sync::Arc};

use vmctx::{Errno, Mapped, MmapCtx, MmapFile, SharedObject, VmOperations, kind::FilledLater};
use vmctx_hosted::{
    Object, Ref, established,
    mmap_lock::{self, MmapLock},
    object::Unmapping,
    vma::{self, Hosted},
};

use super::{adopted::Adopted, target::Target};

pub(crate) type Vma = vma::Vma<Adopted>;
pub(crate) type Space = vma::Space<Adopted>;
/// The mmap lock, held for read.
pub(crate) type ReadGuard<'a> = mmap_lock::ReadGuard<'a, Adopted>;

/// A mapping to come back to: the platform's [`Handle`](vmctx::Platform::Handle).
pub type AdoptedHandle = established::Handle<Adopted>;
/// Who is in an ioctl: the platform's [`Caller`](vmctx::Platform::Caller).
pub type AdoptedCaller = established::Caller<Adopted>;
/// A mapping whose mmap lock is held for read: the platform's [`EstablishedVma`](vmctx::Platform::EstablishedVma).
pub type EstablishedRegion = established::EstablishedVma<Adopted>;

/// What a region's pages are copied into.
pub struct Table {
    pub(crate) target: Arc<Target>,
}

/// Nothing that a peer has is taken away from it: each page is a copy, as one that a store has made in a private mapping is.
impl Unmapping for Table {
    fn zap(&self, _: &Range<usize>, _: bool) {}

    fn write_protect(&self, _: &Range<usize>) {}
}

impl Hosted for Adopted {
    type File = Object;
    type Table = Table;

    fn mappings(file: &Object) -> &Object {
        file
    }
}

/// A region that is being adopted. Only a [`Peer`](super::peer::Peer) makes one.
pub struct NewRegion {
    pub(crate) vma: Vma,
    pub(crate) space: Arc<MmapLock<Adopted>>,
}

impl NewRegion {
    pub(crate) fn handle(&self) -> Option<AdoptedHandle> {
        AdoptedHandle::new(&self.space, &self.vma)
    }
}

/// What the regions are mappings of: all of them have one state, whose hooks bring the pages.
pub(crate) struct Whole<V>(pub(crate) Ref<V>);

impl<V> MmapFile for Whole<V>
where
    V: VmOperations<Platform = Adopted>,
    V::Kind: FilledLater,
{
    type Platform = Adopted;

    fn object(&self) -> Option<&SharedObject<Adopted>> {
        V::HOOKS.named(&self.0)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Adopted>) -> Result<Mapped<'m>, Errno> {
        let ctx = match self.object() {
            Some(object) => ctx.rebase(object)?,
            None => ctx,
        };
        Ok(ctx.establish_shared(self.0.clone())?.fill_later())
    }
}
