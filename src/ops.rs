//! What a driver implements: [`MmapFile`] for a file, [`VmOperations`] for the state of one mapping.

use crate::{Errno, FaultCtx, Mapped, Mapping, MmapCtx, PageOffset, Platform, VmFault};

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
///     fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         ctx.populate::<Mixed>()?.insert_page(&self.page)?.finish()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped: it does not implement `MmapFile`",
    label = "not a file with a mmap hook",
    note = "implement `MmapFile` for the open file, and `VmOperations` for the state of one mapping"
)]
pub trait MmapFile: Send + Sync + 'static {
    /// The platform that it runs on.
    type Platform: Platform;

    /// Serves one mmap. The token says which part of the file is wanted and how; success is the [`Mapped`] that the
    /// token turns into.
    ///
    /// # Errors
    /// Whatever the user's `mmap` call is to fail with. What had been inserted is taken away again, then the state of
    /// the mapping, if one was established, is dropped.
    fn mmap<'m>(&self, ctx: MmapCtx<'m, Self::Platform>) -> Result<Mapped<'m>, Errno>;
}

/// The operations of a mapping (`vm_ops`), implemented by the **state of one mapping** (`vm_private_data`).
///
/// One call of mmap makes one state, given to [`MmapCtx::establish`]. What fork and split make of the mapping shares
/// it, and the platform drops it with the last VMA, after the pages have been taken away. So "is anybody still mapped?"
/// is this type's `Drop`, and so is the rollback of a mmap that failed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};
///
/// struct Buffer<P: Platform> {
///     pages: Vec<P::Page>,
/// }
///
/// impl<P: Platform> VmOperations for Buffer<P> {
///     type Platform = P;
///     type Mapping = Mixed;
///
///     fn fault<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         match self.pages.get(ctx.pgoff().index()) {
///             Some(page) => ctx.insert_page(page),
///             None => ctx.fail(Errno::ENXIO),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the state of a mapping: it does not implement `VmOperations`",
    label = "no fault hook to establish",
    note = "implement `VmOperations` for the type that holds what the fault hook needs",
    note = "a mapping without a fault hook is made with `ctx.populate::<Mixed>()?`"
)]
pub trait VmOperations: Sized + Send + Sync + 'static {
    /// The platform that it runs on.
    type Platform: Platform;

    /// The kind of the mapping, which decides what can be inserted: [`Normal`](crate::Normal), [`Mixed`](crate::Mixed),
    /// [`PfnMap`](crate::PfnMap) or [`Remapped`](crate::Remapped).
    type Mapping: Mapping;

    /// The hooks that are there only if registered, because Linux acts on their presence.
    const HOOKS: Hooks<Self> = Hooks::NONE;

    /// Serves one fault (`vm_ops->fault`), and answers it by spending the token.
    ///
    /// Write the `'f` out: with `'_` elision would take the answer's lifetime from `&self`.
    ///
    /// Without an implementation of its own a mapping has the pages that it was given by mmap, and a touch elsewhere
    /// is a SIGBUS.
    fn fault<'f>(&self, ctx: FaultCtx<'f, Self::Platform, Self::Mapping>) -> VmFault<'f> {
        ctx.fail(Errno::EFAULT)
    }
}

/// The optional hooks of [`VmOperations`], registered by naming them.
///
/// Linux looks whether such a hook is there, not only what it answers; so "not registered" and "registered, and does
/// nothing" are different things.
///
/// ```
/// # use vmctx::{Errno, Hooks, Mixed, PageOffset, Platform, VmOperations};
/// # struct Ring<P>(std::marker::PhantomData<fn(P) -> P>);
/// impl<P: Platform> VmOperations for Ring<P> {
///     type Platform = P;
///     type Mapping = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.may_split(|_, _| Err(Errno::EINVAL));
/// }
/// ```
pub struct Hooks<V: VmOperations> {
    may_split: Option<MaySplit<V>>,
}

/// The type of [`Hooks::may_split`].
pub type MaySplit<V> = fn(&V, PageOffset) -> Result<(), Errno>;

impl<V: VmOperations> Hooks<V> {
    /// No optional hook.
    pub const NONE: Self = Self { may_split: None };

    /// Registers `vm_ops->may_split`: asked before munmap, mprotect or mremap cuts the mapping in two at a page offset.
    /// An error refuses the cut, and is what the user's call fails with.
    #[must_use]
    pub const fn may_split(self, hook: MaySplit<V>) -> Self {
        Self { may_split: Some(hook) }
    }

    /// For platforms: the registered hook, if there is one.
    #[must_use]
    pub const fn registered_may_split(&self) -> Option<MaySplit<V>> {
        self.may_split
    }
}

impl<W: Wraps> Hooks<W> {
    /// The hooks of the inner mapping, each present exactly if the inner one registered it. A wrapper that said
    /// [`NONE`](Self::NONE) would lose them without a word.
    #[must_use]
    pub const fn of_inner() -> Self {
        Self {
            may_split: match <W::Inner as VmOperations>::HOOKS.may_split {
                Some(_) => Some(|wrapper, at| match <W::Inner as VmOperations>::HOOKS.may_split {
                    Some(hook) => hook(wrapper.inner(), at),
                    None => Ok(()),
                }),
                None => None,
            },
        }
    }
}

/// A mapping state that puts something around another one, and passes its hooks on with
/// [`Hooks::of_inner`].
pub trait Wraps: VmOperations {
    /// What is wrapped.
    type Inner: VmOperations<Platform = Self::Platform, Mapping = Self::Mapping>;

    /// What is wrapped.
    fn inner(&self) -> &Self::Inner;
}
