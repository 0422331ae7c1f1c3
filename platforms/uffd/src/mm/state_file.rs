//! A file that is nothing but the state of its mappings.

use vmctx::{Errno, Mapped, MmapCtx, MmapFile, SharedObject, VmOperations, kind::FilledLater};
use vmctx_hosted::Ref;

use crate::uffd::Uffd;

/// A file all of whose mappings have one state, and are filled by faults.
pub(crate) struct StateFile<V>(pub(crate) Ref<V>);

impl<V: VmOperations<Platform = Uffd>> MmapFile for StateFile<V>
where
    V::Kind: FilledLater,
{
    type Platform = Uffd;

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        V::HOOKS.named(&self.0)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = match self.object() {
            Some(object) => ctx.rebase(object)?,
            None => ctx,
        };
        // Whoever has the state maps it himself: what he asks for is what he allows, and no call gives more later.
        let ctx = if ctx.is_writable() { ctx.writable() } else { ctx };
        Ok(ctx.establish_shared(self.0.clone())?.fill_later())
    }
}
