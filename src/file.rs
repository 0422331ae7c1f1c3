//! What a driver implements for a file: the mmap hook.

use crate::{
    errno::Errno,
    mmap::{Mapped, MmapCtx},
    platform::Platform,
    prepare_hook::PrepareHook,
    shared_object::SharedObject,
};

/// A file that can be mapped: `f_op->mmap`.
///
/// Object-safe, so that a framework can keep a `dyn MmapFile<Platform = P>` for each open file.
///
/// ```
/// use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform};
///
/// /// A device with one page that its users share.
/// struct Doorbell<P: Platform> {
///     page: P::Page,
/// }
///
/// impl<P: Platform> MmapFile for Doorbell<P> {
///     type Platform = P;
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         ctx.without_faults::<Mixed>()?.insert_page(&self.page)?.finish()
///     }
/// }
/// ```
#[doc(alias = "file_operations")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped: it does not implement `MmapFile`",
    label = "not a file with a mmap hook",
    note = "implement `MmapFile` for the open file, and `VmOperations` for the state of one mapping",
    note = "a file with a prepare hook, a `PrepareFile`, is opened as `ByPrepare(file)`"
)]
pub trait MmapFile: Send + Sync + 'static {
    /// The platform that it runs on.
    type Platform: Platform;

    /// Serves one mmap. The token says which part of the file is wanted and how; success is the [`Mapped`] that the
    /// token turns into. Frames that are inserted by number are borrowed from the file, which the mapping keeps open
    /// (`vm_file`), hence the `'m`.
    ///
    /// # Errors
    /// Whatever the user's `mmap` call is to fail with. What had been inserted is taken away again, then the state of
    /// the mapping, if one was established, is dropped.
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Self::Platform>) -> Result<Mapped<'m>, Errno>;

    /// The object that is mapped when this file is, whose mappings [`SharedObject::unmap_once`] reaches. Asked once, when
    /// the file is opened. If there is none, each open file is an object of its own.
    #[doc(alias("f_mapping", "i_mapping"))]
    fn object(&self) -> Option<&SharedObject<Self::Platform>> {
        None
    }

    /// The file's prepare hook, which platforms ask for that can call one instead of [`mmap`](Self::mmap). A file that
    /// has one is a [`ByPrepare`](crate::ByPrepare), and a file around another passes that one's on.
    fn prepare_hook(&self) -> Option<PrepareHook<'_, Self::Platform>> {
        None
    }
}

/// A file behind a box, of whatever type.
#[cfg(feature = "alloc")]
impl<F: MmapFile + ?Sized> MmapFile for alloc::boxed::Box<F> {
    type Platform = F::Platform;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, F::Platform>) -> Result<Mapped<'m>, Errno> {
        (**self).mmap(ctx)
    }

    fn object(&self) -> Option<&SharedObject<F::Platform>> {
        (**self).object()
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, F::Platform>> {
        (**self).prepare_hook()
    }
}

/// A file that somebody else has as well, for example the device.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
impl<F: MmapFile + ?Sized> MmapFile for alloc::sync::Arc<F> {
    type Platform = F::Platform;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, F::Platform>) -> Result<Mapped<'m>, Errno> {
        (**self).mmap(ctx)
    }

    fn object(&self) -> Option<&SharedObject<F::Platform>> {
        (**self).object()
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, F::Platform>> {
        (**self).prepare_hook()
    }
}
