//! What a driver implements for the state of one mapping: the fault hook, and the optional ones.

use crate::{
    access::{AccessCtx, Accessed},
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    flags::FaultCode,
    huge::HugeFaultCtx,
    kind::{Kind, MapsFrames, MapsPages},
    map_pages::MapPagesCtx,
    page_mkwrite::PageMkwriteCtx,
    pfn_mkwrite::PfnMkwriteCtx,
    platform::Platform,
    shared_object::SharedObject,
    units::PageOffset,
};

/// The operations of a mapping (`vm_ops`), implemented by the **state of one mapping** (`vm_private_data`).
///
/// Each mmap makes one state and gives it to [`MmapCtx::establish`](crate::MmapCtx::establish). The VMAs that fork and
/// split make of the mapping share it, and the platform drops it with the last of them, after the pages have been taken
/// away. So the type's `Drop` is the place for what is to happen when nobody has it mapped any more, and when a mmap
/// has failed. It has no token, and so no right to sleep: what it changes elsewhere is an atomic, or behind a
/// [`SpinLock`](crate::SpinLock), and not behind a `Mutex`. A state that has nothing but its hooks names the platform:
/// `struct Registers<P>(PhantomData<P>);`.
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
///     type Kind = Mixed;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
///     }
/// }
/// ```
#[doc(alias("vm_operations_struct", "vm_ops"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the state of a mapping: it does not implement `VmOperations`",
    label = "no fault hook to establish",
    note = "a state that others hold as well, the file for one, is given as what it is shared by, a `P::Ref<State>` of \
            `P::share(state, may_sleep)?`: `ctx.establish_shared(self.state.clone())`",
    note = "else it is given by value, a new one for each mapping: `ctx.establish(state)`; implement `VmOperations` \
            for the type that holds what the fault hook needs",
    note = "a mapping without a fault hook is made with `ctx.without_faults::<Mixed>()?`"
)]
#[expect(non_upper_case_globals, reason = "named as the hooks are that would be written in their place")]
pub trait VmOperations: Sized + Send + Sync + 'static {
    /// The platform that it runs on.
    type Platform: Platform;

    /// The kind of the mapping, which decides what can be inserted: [`Normal`](crate::Normal), [`Mixed`](crate::Mixed),
    /// [`PfnMap`](crate::PfnMap) or [`Remapped`](crate::Remapped).
    type Kind: Kind;

    /// The hooks that are there only if registered, because Linux acts on their presence.
    const HOOKS: Hooks<Self> = Hooks::NONE;

    // Hooks that are registered there, and not written here. The comment behind each is shown to whoever does.
    #[doc(hidden)]
    const open: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
    #[doc(hidden)]
    const close: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
    #[doc(hidden)]
    const may_split: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.may_split(Self::may_split);
    #[doc(hidden)]
    const page_mkwrite: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
    #[doc(hidden)]
    const pfn_mkwrite: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
    #[doc(hidden)]
    const huge_fault: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
    #[doc(hidden)]
    const map_pages: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
    #[doc(hidden)]
    const access: InHooks = InHooks; // instead: const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

    /// Serves one fault (`vm_ops->fault`), and answers it by spending the token.
    ///
    /// Write the `'f` out. The state is borrowed for as long as the token, so that frames can be borrowed from it.
    ///
    /// Without an implementation of this a mapping has the pages that its mmap hook inserted, and a touch elsewhere is
    /// a SIGBUS.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Self::Platform, Self::Kind>) -> VmFault<'f> {
        ctx.fail(Errno::EFAULT)
    }
}

/// In the place of a hook that is not written in [`VmOperations`], but registered in its `HOOKS`.
#[doc(hidden)]
pub struct InHooks;

/// The optional hooks of [`VmOperations`], registered by naming them.
///
/// Linux acts on whether such a hook is there, not only on what it answers: with `page_mkwrite` shared mappings start
/// read-only, with `map_pages` faults run under the VMA lock, with `huge_fault` large entries are tried first. So a
/// hook that is registered and does nothing is not the same as none.
///
/// A closure's argument has to be named, `|ring: &Self| ..`, because `NONE` alone does not say whose hooks they are.
///
/// ```
/// # use vmctx::{Errno, Hooks, Mixed, PageMkwriteCtx, PageOffset, Platform, VmFault, VmOperations};
/// # struct Ring<P: Platform>(P::Page);
/// impl<P: Platform> Ring<P> {
///     fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
///         ctx.allow()
///     }
/// }
///
/// impl<P: Platform> VmOperations for Ring<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> =
///         Hooks::NONE.page_mkwrite(Self::page_mkwrite).may_split(|_, _| Err(Errno::EINVAL));
/// }
/// ```
pub struct Hooks<V: VmOperations> {
    open: Option<Open<V>>,
    close: Option<Close<V>>,
    may_split: Option<MaySplit<V>>,
    page_mkwrite: Option<PageMkwrite<V>>,
    pfn_mkwrite: Option<PfnMkwrite<V>>,
    huge_fault: Option<HugeFault<V>>,
    map_pages: Option<MapPages<V>>,
    access: Option<Access<V>>,
    object: Option<Object<V>>,
}

/// The platform of a mapping's operations, and its kind.
type On<V> = <V as VmOperations>::Platform;
type Of<V> = <V as VmOperations>::Kind;

/// The type of [`Hooks::open`].
///
/// ```
/// use vmctx::{Errno, Hooks, Mixed, Platform, SpinLock, VmOperations};
///
/// struct Dev<P: Platform> {
///     vmas: P::SpinLock<usize>,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn open(&self) -> Result<(), Errno> {
///         *self.vmas.lock() += 1;
///         Ok(())
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
/// }
/// ```
pub type Open<V> = fn(&V) -> Result<(), Errno>;

/// The type of [`Hooks::close`].
///
/// ```
/// use vmctx::{Hooks, Mixed, Platform, SpinLock, VmOperations};
///
/// struct Dev<P: Platform> {
///     vmas: P::SpinLock<usize>,
/// }
///
/// impl<P: Platform> Dev<P> {
///     /// Counts down what `open` has counted up.
///     fn close(&self) {
///         *self.vmas.lock() -= 1;
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
/// }
/// ```
pub type Close<V> = fn(&V);

/// The type of [`Hooks::may_split`].
///
/// ```
/// use vmctx::{Errno, Hooks, Mixed, PageOffset, Platform, VmOperations};
///
/// struct Dev<P: Platform> {
///     header: P::Page,
/// }
///
/// impl<P: Platform> Dev<P> {
///     /// The header is not parted from what it describes; behind it the mapping may be cut anywhere.
///     fn may_split(&self, at: PageOffset) -> Result<(), Errno> {
///         if at.index() <= 1 { Err(Errno::EINVAL) } else { Ok(()) }
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.may_split(Self::may_split);
/// }
/// ```
pub type MaySplit<V> = fn(&V, PageOffset) -> Result<(), Errno>;

/// The type of [`Hooks::page_mkwrite`].
///
/// ```
/// use vmctx::{Errno, Hooks, Mixed, PageMkwriteCtx, Platform, SpinLock, VmFault, VmOperations};
///
/// struct Dev<P: Platform> {
///     is_frozen: P::SpinLock<bool>,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
///         if *self.is_frozen.lock() { ctx.fail(Errno::EROFS) } else { ctx.allow() }
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
/// }
/// ```
pub type PageMkwrite<V> = for<'f> fn(&'f V, PageMkwriteCtx<'f, On<V>, Of<V>>) -> VmFault<'f>;

/// The type of [`Hooks::pfn_mkwrite`].
///
/// ```
/// use vmctx::{Errno, Hooks, PfnMap, PfnMkwriteCtx, Platform, VmFault, VmOperations};
///
/// struct Dev<P: Platform> {
///     registers: P::Iomem,
/// }
///
/// impl<P: Platform> Dev<P> {
///     /// The first page has registers that only the kernel stores to.
///     fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         if ctx.pgoff().index() == 0 { ctx.fail(Errno::EPERM) } else { ctx.allow() }
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
/// }
/// ```
pub type PfnMkwrite<V> = for<'f> fn(&'f V, PfnMkwriteCtx<'f, On<V>, Of<V>>) -> VmFault<'f>;

/// The type of [`Hooks::huge_fault`].
///
/// ```
/// use vmctx::{HugeFaultCtx, Hooks, PfnMap, Platform, VmFault, VmOperations};
///
/// struct Dev<P: Platform> {
///     memory: P::Iomem,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         ctx.insert_huge_with(|_, entry| entry.of(&self.memory))
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
/// }
/// ```
pub type HugeFault<V> = for<'f> fn(&'f V, HugeFaultCtx<'f, On<V>, Of<V>>) -> VmFault<'f>;

/// The type of [`Hooks::map_pages`].
///
/// ```
/// use vmctx::{Hooks, MapPagesCtx, Mixed, Platform, VmFault, VmOperations};
///
/// struct Dev<P: Platform> {
///     pages: Vec<P::Page>,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
///         for at in ctx.wanted() {
///             if let Some(page) = at.of(&self.pages) {
///                 ctx.prefault_page(at, page);
///             }
///         }
///         ctx.finish()
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
/// }
/// ```
pub type MapPages<V> = for<'f> fn(&'f V, MapPagesCtx<'f, On<V>, Of<V>>) -> VmFault<'f>;

/// The type of [`Hooks::access`].
///
/// ```
/// use vmctx::{AccessCtx, Accessed, Errno, Hooks, PfnMap, Platform, VmOperations};
///
/// struct Dev<P: Platform> {
///     memory: P::Iomem,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
///         ctx.copy_iomem(&self.memory, ctx.pgoff())
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
/// }
/// ```
pub type Access<V> = for<'a> fn(&'a V, AccessCtx<'a, On<V>, Of<V>>) -> Result<Accessed<'a>, Errno>;

/// The type of [`Hooks::object`].
///
/// ```
/// use vmctx::{Hooks, Mixed, Platform, SharedObject, VmOperations};
///
/// struct Dev<P: Platform> {
///     object: SharedObject<P>,
/// }
///
/// impl<P: Platform> Dev<P> {
///     fn object(&self) -> Option<&SharedObject<P>> {
///         Some(&self.object)
///     }
/// }
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.object(Self::object);
/// }
/// ```
pub type Object<V> = fn(&V) -> Option<&SharedObject<On<V>>>;

/// Registering.
impl<V: VmOperations> Hooks<V> {
    /// No optional hook.
    pub const NONE: Self = Self {
        open: None,
        close: None,
        may_split: None,
        page_mkwrite: None,
        pfn_mkwrite: None,
        huge_fault: None,
        map_pages: None,
        access: None,
        object: None,
    };

    /// Registers `vm_ops->open`: there is a VMA with this state. Called for each ([G23](crate::guide::guarantees#g23)):
    /// for the one that mmap makes, by [`establish`](crate::MmapCtx::establish), and so before the first page is in;
    /// and for each that fork, a cut or a move makes of it.
    ///
    /// If it fails for the first, `establish` fails with that errno, and the state is dropped. If it fails later, the
    /// new VMA is a dead one: fork copies nothing into it, what a cut or a move has brought is taken away, and a fault
    /// of it is a SIGBUS. (Linux has no way to have the fork itself fail.) To refuse cuts, register
    /// [`may_split`](Self::may_split).
    ///
    /// It counts VMAs and not pages: a VMA that is cut has shown more than it shows when it goes, and no hook is told
    /// by how much. How many pages a mapping has is known where its state is made, in
    /// [`establish_with`](crate::MmapCtx::establish_with), and the state's `Drop` takes them off again.
    ///
    /// (Linux itself does not call it for the first VMA. What counts in `close`, and in `open`, had a count too few:
    /// CVE-2025-38563, CVE-2026-23056. What summed up pages in both had too many: CVE-2021-1905.)
    #[must_use]
    pub const fn open(self, hook: Open<V>) -> Self {
        Self { open: Some(hook), ..self }
    }

    /// Registers `vm_ops->close`: a VMA with this state goes, and its pages have gone already. Called once for each VMA
    /// whose [`open`](Self::open) has not failed, also if the mmap fails, in its hook or after it. That the last VMA
    /// has gone is told by the state's `Drop`, in every case.
    #[must_use]
    pub const fn close(self, hook: Close<V>) -> Self {
        Self { close: Some(hook), ..self }
    }

    /// Registers `vm_ops->may_split`: asked before munmap, mprotect or mremap cuts the mapping in two at a page offset.
    /// An error refuses the cut, and is what the user's call fails with.
    ///
    /// Where the mapping is a private [`Remapped`](crate::Remapped) one, Linux keeps the number of its first frame in
    /// `vm_pgoff`, and counts from that.
    #[must_use]
    pub const fn may_split(self, hook: MaySplit<V>) -> Self {
        Self { may_split: Some(hook), ..self }
    }

    /// Registers `vm_ops->page_mkwrite`: asked before a page of a shared mapping is written for the first time. Such
    /// mappings start read-only.
    ///
    /// A store to a page that is missing is one fault if the fault hook [hands it back](FaultCtx::deliver): this hook is
    /// asked next, before anybody can see the page, which is then mapped writable or not at all (`do_shared_fault`). If
    /// the fault hook inserts the page, it is there for loads first, and the store comes back and asks; on a platform where
    /// that would cost another wake-up it is asked at once, as `pfn_mkwrite` is.
    #[must_use]
    pub const fn page_mkwrite(self, hook: PageMkwrite<V>) -> Self
    where
        V::Kind: MapsPages,
    {
        Self { page_mkwrite: Some(hook), ..self }
    }

    /// Registers `vm_ops->pfn_mkwrite`: asked before a frame that was inserted by number is written for the first time
    /// in a shared mapping. Such mappings start read-only.
    ///
    /// A store to a frame that is missing is one fault: when the fault hook has inserted it and returned, this hook is
    /// asked, and if it allows the store, the entry is writable when the fault ends. KVM depends on that: it faults once
    /// for a guest's store, and gives up with EFAULT if it then finds a read-only entry (`hva_to_pfn_remapped`). (Linux
    /// itself lets the access come back and asks in a second fault. In C `drm_gem_shmem_helper.c` ended virtual machines
    /// when it was given a `pfn_mkwrite`.)
    #[must_use]
    pub const fn pfn_mkwrite(self, hook: PfnMkwrite<V>) -> Self
    where
        V::Kind: MapsFrames,
    {
        Self { pfn_mkwrite: Some(hook), ..self }
    }

    /// Registers `vm_ops->huge_fault`: asked first where a large entry could be.
    #[must_use]
    pub const fn huge_fault(self, hook: HugeFault<V>) -> Self
    where
        V::Kind: MapsFrames,
    {
        Self { huge_fault: Some(hook), ..self }
    }

    /// Registers `vm_ops->map_pages`: asked, under RCU, to map what is at hand around a load that has met no page.
    #[must_use]
    pub const fn map_pages(self, hook: MapPages<V>) -> Self
    where
        V::Kind: MapsPages,
    {
        Self { map_pages: Some(hook), ..self }
    }

    /// Registers `vm_ops->access`: asked when a debugger, through ptrace or `/proc/pid/mem`, reads or stores bytes for
    /// which there is no page: in a mapping of frames by number ([`PfnMap`](crate::PfnMap),
    /// [`Remapped`](crate::Remapped)) or of [`io`](crate::MmapCtx::io), or where the fault fails. Without it such an
    /// access is EIO. (`process_vm_readv` never asks.)
    ///
    /// It is never asked to store where the user may not write or has a private mapping, nor for bytes outside the
    /// mapping ([G19](crate::guide::guarantees#g19)): C leaves both checks to each hook.
    #[must_use]
    pub const fn access(self, hook: Access<V>) -> Self {
        Self { access: Some(hook), ..self }
    }

    /// Names the object whose memory the mapping shows, for a state that inserts memory which can be [taken
    /// back](crate::Revocable) ([G22](crate::guide::guarantees#g22)). It is asked when the state is established: a file
    /// that shows [another object](crate::MmapFile::object), or one of its own, is refused with EINVAL, because what
    /// its mappings had would not be found when the memory is taken back.
    ///
    /// Without it, or with `None`, such memory is not inserted at all: each touch is a SIGBUS.
    ///
    /// If the object is a [part](SharedObject::part) of what the file shows, the page offsets of all hooks and handles
    /// of the mapping count from where it begins. The mmap hook says the same with
    /// [`rebase`](crate::MmapCtx::rebase); where the two differ, it is EINVAL. A state names the same object for as long
    /// as it lives.
    #[must_use]
    pub const fn object(self, object: Object<V>) -> Self {
        Self { object: Some(object), ..self }
    }
}

/// For platforms: the hooks that are registered. Those that are handed a token are called through
/// [`entry`](crate::entry).
impl<V: VmOperations> Hooks<V> {
    /// [`open`](Self::open)
    #[must_use]
    pub const fn registered_open(&self) -> Option<Open<V>> {
        self.open
    }

    /// [`close`](Self::close)
    #[must_use]
    pub const fn registered_close(&self) -> Option<Close<V>> {
        self.close
    }

    /// [`may_split`](Self::may_split)
    #[must_use]
    pub const fn registered_may_split(&self) -> Option<MaySplit<V>> {
        self.may_split
    }

    /// [`page_mkwrite`](Self::page_mkwrite)
    #[must_use]
    pub const fn registered_page_mkwrite(&self) -> Option<PageMkwrite<V>> {
        self.page_mkwrite
    }

    /// [`pfn_mkwrite`](Self::pfn_mkwrite)
    #[must_use]
    pub const fn registered_pfn_mkwrite(&self) -> Option<PfnMkwrite<V>> {
        self.pfn_mkwrite
    }

    /// [`huge_fault`](Self::huge_fault)
    #[must_use]
    pub const fn registered_huge_fault(&self) -> Option<HugeFault<V>> {
        self.huge_fault
    }

    /// Whether first stores are told to a hook, so that shared mappings start read-only (`vma_wants_writenotify`).
    #[must_use]
    pub const fn is_told_of_stores(&self) -> bool {
        self.page_mkwrite.is_some() || self.pfn_mkwrite.is_some()
    }

    /// [`map_pages`](Self::map_pages)
    #[must_use]
    pub const fn registered_map_pages(&self) -> Option<MapPages<V>> {
        self.map_pages
    }

    /// [`access`](Self::access)
    #[must_use]
    pub const fn registered_access(&self) -> Option<Access<V>> {
        self.access
    }

    /// The object that this state [names](Self::object).
    #[must_use]
    pub fn named<'v>(&self, state: &'v V) -> Option<&'v SharedObject<On<V>>> {
        self.object.and_then(|object| object(state))
    }

    /// From where on the page offsets of a mapping with this state count.
    pub(crate) fn base(&self, state: &V) -> PageOffset {
        self.named(state).map_or(PageOffset::ZERO, SharedObject::base)
    }
}

/// Functions that a wrapper registers to have the hooks of the inner mapping called.
macro_rules! pass_on {
    ($($field:ident($token:ident);)*) => {$(
        fn $field<'f, W: Wraps>(wrapper: &'f W, ctx: $token<'f, On<W>, Of<W>>) -> VmFault<'f> {
            match <W::Inner as VmOperations>::HOOKS.$field {
                Some(hook) => hook(wrapper.inner(), ctx),
                None => ctx.frame().answer(FaultCode::SIGBUS),
            }
        }
    )*};
}

pass_on! {
    page_mkwrite(PageMkwriteCtx);
    pfn_mkwrite(PfnMkwriteCtx);
    huge_fault(HugeFaultCtx);
    map_pages(MapPagesCtx);
}

fn open<W: Wraps>(wrapper: &W) -> Result<(), Errno> {
    <W::Inner as VmOperations>::HOOKS.open.map_or(Ok(()), |hook| hook(wrapper.inner()))
}

fn close<W: Wraps>(wrapper: &W) {
    if let Some(hook) = <W::Inner as VmOperations>::HOOKS.close {
        hook(wrapper.inner());
    }
}

fn may_split<W: Wraps>(wrapper: &W, at: PageOffset) -> Result<(), Errno> {
    <W::Inner as VmOperations>::HOOKS.may_split.map_or(Ok(()), |hook| hook(wrapper.inner(), at))
}

fn access<'a, W: Wraps>(wrapper: &'a W, ctx: AccessCtx<'a, On<W>, Of<W>>) -> Result<Accessed<'a>, Errno> {
    <W::Inner as VmOperations>::HOOKS.access.map_or(Err(Errno::EIO), |hook| hook(wrapper.inner(), ctx))
}

fn object<W: Wraps>(wrapper: &W) -> Option<&SharedObject<On<W>>> {
    <W::Inner as VmOperations>::HOOKS.object.and_then(|object| object(wrapper.inner()))
}

impl<W: Wraps> Hooks<W> {
    /// The hooks of the inner mapping, each present exactly if the inner one has registered it. With
    /// [`NONE`](Self::NONE) a wrapper would lose them, and nothing would say so. One that is registered on top, as in
    /// `Hooks::of_inner().open(..)`, takes the place of the inner one, which is then called by nobody but the wrapper's.
    #[must_use]
    pub const fn of_inner() -> Self {
        let inner = <W::Inner as VmOperations>::HOOKS;
        Self {
            open: if inner.open.is_some() { Some(open::<W>) } else { None },
            close: if inner.close.is_some() { Some(close::<W>) } else { None },
            may_split: if inner.may_split.is_some() { Some(may_split::<W>) } else { None },
            page_mkwrite: if inner.page_mkwrite.is_some() { Some(page_mkwrite::<W>) } else { None },
            pfn_mkwrite: if inner.pfn_mkwrite.is_some() { Some(pfn_mkwrite::<W>) } else { None },
            huge_fault: if inner.huge_fault.is_some() { Some(huge_fault::<W>) } else { None },
            map_pages: if inner.map_pages.is_some() { Some(map_pages::<W>) } else { None },
            access: if inner.access.is_some() { Some(access::<W>) } else { None },
            object: if inner.object.is_some() { Some(object::<W>) } else { None },
        }
    }
}

include!("refused/ops.rs");

/// A mapping state that puts something around another one, and passes its hooks on with
/// [`Hooks::of_inner`].
///
/// ```
/// use vmctx::{FaultCtx, Hooks, Platform, SpinLock, VmFault, VmOperations, Wraps};
///
/// /// Counts the faults of another driver's mapping.
/// struct Counted<V: VmOperations> {
///     inner: V,
///     faults: <V::Platform as Platform>::SpinLock<usize>,
/// }
///
/// impl<V: VmOperations> Wraps for Counted<V> {
///     type Inner = V;
///
///     fn inner(&self) -> &V {
///         &self.inner
///     }
/// }
///
/// impl<V: VmOperations> VmOperations for Counted<V> {
///     type Platform = V::Platform;
///     type Kind = V::Kind;
///     const HOOKS: Hooks<Self> = Hooks::of_inner();
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, V::Platform, V::Kind>) -> VmFault<'f> {
///         *self.faults.lock() += 1;
///         self.inner.fault(ctx)
///     }
/// }
/// ```
pub trait Wraps: VmOperations {
    /// What is wrapped.
    type Inner: VmOperations<Platform = Self::Platform, Kind = Self::Kind>;

    /// What is wrapped.
    fn inner(&self) -> &Self::Inner;
}
