//! The kinds of mapping, and which operations each of them has.
//!
//! The kind is part of a token's type ([G9](crate::guide::guarantees#g9)). [`Kind`] is a kind that was chosen. Each of
//! the other traits bounds one group of operations and is implemented by the kinds that have them. All are sealed and
//! have no type parameters, and they exist for their error messages as much as for their bounds.

/// The kind is not chosen yet: flags, protections and refusals, but no insertion. Choose with
/// [`MmapCtx::establish`](crate::MmapCtx::establish) or [`MmapCtx::without_faults`](crate::MmapCtx::without_faults).
///
/// ```
/// use vmctx::{Errno, MmapCtx, Platform, Undecided};
///
/// /// What all mappings of a driver have in common, whatever kind each of them becomes.
/// fn settle<'m, P: Platform>(ctx: MmapCtx<'m, P, Undecided>) -> Result<MmapCtx<'m, P, Undecided>, Errno> {
///     Ok(ctx.shared_only()?.dont_copy().noncached())
/// }
/// ```
pub enum Undecided {}

/// Pages are handed back by the fault hook, and the core maps them: the `nopage` way. Neither `VM_MIXEDMAP` nor
/// `VM_PFNMAP`.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Normal, Platform, VmFault, VmOperations};
///
/// struct Dev<P: Platform>(Vec<P::Page>);
///
/// impl<P: Platform> VmOperations for Dev<P> {
///     type Platform = P;
///     type Kind = Normal;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
///         ctx.deliver_with(|ctx| ctx.pgoff().of(&self.0).cloned().ok_or(Errno::ENXIO))
///     }
/// }
/// ```
pub enum Normal {}

/// The driver inserts pages, and frames that may have a page behind them: `VM_MIXEDMAP`. Inserted pages are counted:
/// the mapping holds a reference. The only kind that can be allowed to grow
/// ([`may_expand`](crate::MmapCtx::may_expand)).
///
/// ```
/// use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};
///
/// fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
///     ctx.without_faults::<Mixed>()?.insert_page(page)?.finish()
/// }
/// ```
#[doc(alias = "VM_MIXEDMAP")]
pub enum Mixed {}

/// The driver inserts frames by number, no reference is taken: `VM_PFNMAP`. Refused with EINVAL for a copy-on-write
/// mapping, which Linux would meet with a `BUG_ON` at the first insertion (CVE-2024-39497).
///
/// ```
/// use vmctx::{Errno, FrameSource, Mapped, MmapCtx, PfnMap, Platform};
///
/// fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, memory: &'m P::Iomem) -> Result<Mapped<'m>, Errno> {
///     let ctx = ctx.shared_only()?.without_faults::<PfnMap>()?;
///     ctx.insert_pfn_with(|ctx| memory.frame(ctx.pgoff()).ok_or(Errno::ENXIO))?.finish()
/// }
/// ```
#[doc(alias = "VM_PFNMAP")]
pub enum PfnMap {}

/// The whole range is mapped by number when the mapping is made (`remap_pfn_range`), and nothing afterwards. Private
/// mappings are legal: `/dev/mem`, cramfs.
///
/// ```
/// use vmctx::{Errno, FrameSource, Mapped, MmapCtx, Platform, Remapped};
///
/// fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, memory: &'m P::Iomem) -> Result<Mapped<'m>, Errno> {
///     let frames = memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
///     ctx.without_faults::<Remapped>()?.remap_from_first(frames)
/// }
/// ```
#[doc(alias("remap_pfn_range", "VM_PFNMAP"))]
pub enum Remapped {}

/// A kind as a value, for the core and for a platform to match on.
///
/// Hidden: beside a second public `Mixed` rustc would write `vmctx::Mixed` into every message about the first.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindValue {
    /// [`Normal`](enum@Normal)
    Normal,
    /// [`Mixed`](enum@Mixed)
    Mixed,
    /// [`PfnMap`](enum@PfnMap)
    PfnMap,
    /// [`Remapped`](enum@Remapped)
    Remapped,
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "the kinds of mapping are a closed set, and `{Self}` is not in it",
        label = "not a kind of mapping",
        note = "a kind decides VMA flags that Linux acts on, so there are no others: use `Normal`, `Mixed`, `PfnMap` \
                or `Remapped`",
        note = "`Undecided` is what a `MmapCtx` has before `establish` or `without_faults`"
    )]
    pub trait KnownKind {}
}

#[diagnostic::do_not_recommend]
impl sealed::KnownKind for Undecided {}
#[diagnostic::do_not_recommend]
impl sealed::KnownKind for Normal {}
#[diagnostic::do_not_recommend]
impl sealed::KnownKind for Mixed {}
#[diagnostic::do_not_recommend]
impl sealed::KnownKind for PfnMap {}
#[diagnostic::do_not_recommend]
impl sealed::KnownKind for Remapped {}

/// A kind of mapping that has been chosen: [`Normal`], [`Mixed`], [`PfnMap`] or [`Remapped`]. Sealed.
///
/// ```
/// use vmctx::{Errno, Handle, Kind, MmapCtx, Platform};
///
/// /// Keeps a handle of each mapping, whatever its kind.
/// fn keep<P: Platform, K: Kind>(ctx: &MmapCtx<'_, P, K>, handles: &mut Vec<Handle<P, K>>) -> Result<(), Errno> {
///     handles.push(ctx.handle()?);
///     Ok(())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind that a mapping can have",
    label = "not a kind of mapping",
    note = "choose one: `Normal` (hand pages back from `fault`), `Mixed` (insert pages), `PfnMap` (insert frames by \
            number), `Remapped` (map the whole range at mmap)",
    note = "`Undecided` is what a `MmapCtx` has before `ctx.establish(state)?`, where the kind is `type Kind`, or \
            `ctx.without_faults::<..>()?`"
)]
pub trait Kind: sealed::KnownKind + Sized + 'static {
    /// The kind as a value.
    const KIND: KindValue;
}

#[diagnostic::do_not_recommend]
impl Kind for Normal {
    const KIND: KindValue = KindValue::Normal;
}
#[diagnostic::do_not_recommend]
impl Kind for Mixed {
    const KIND: KindValue = KindValue::Mixed;
}
#[diagnostic::do_not_recommend]
impl Kind for PfnMap {
    const KIND: KindValue = KindValue::PfnMap;
}
#[diagnostic::do_not_recommend]
impl Kind for Remapped {
    const KIND: KindValue = KindValue::Remapped;
}

/// No kind has been chosen yet: [`Undecided`]. Sealed.
///
/// ```
/// use vmctx::{Errno, Mapped, MmapCtx, Platform, VmOperations, kind::StillUndecided};
///
/// /// Gives a mapping its state.
/// fn begin<'m, P: Platform, M: StillUndecided, V: VmOperations<Platform = P>>(
///     ctx: MmapCtx<'m, P, M>,
///     state: V,
/// ) -> Result<MmapCtx<'m, P, V::Kind>, Errno> {
///     ctx.establish(state)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the kind of this mapping is already chosen: it is `{Self}`",
    label = "too late: this belongs before `establish` or `without_faults`",
    note = "flags, protections, cache attributes and refusals are settled first, then the kind, then the pages: move \
            this call above `ctx.establish(..)?` or `ctx.without_faults::<..>()?`, and choose the kind once"
)]
pub trait StillUndecided: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl StillUndecided for Undecided {}

/// A mapping that can be allowed to grow: [`Mixed`]. Sealed.
///
/// ```
/// use vmctx::{MmapCtx, Platform, kind::Expands};
///
/// /// Lets a mapping grow if its object can.
/// fn settle<'m, P: Platform, M: Expands>(ctx: MmapCtx<'m, P, M>, object_grows: bool) -> MmapCtx<'m, P, M> {
///     if object_grows { ctx.may_expand() } else { ctx }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "only a `Mixed` mapping can be allowed to grow, and this one is `{Self}`",
    label = "this mapping shows what its mmap hook saw, and never more",
    note = "to grow: `type Kind = Mixed;` in `VmOperations`, then `ctx.establish(state)?.may_expand()`, in a prepare hook \
            `ctx.by_faults()?.may_expand()`",
    note = "`Undecided`: choose the kind first, `ctx.establish(state)?.may_expand()`",
    note = "`Normal`, `PfnMap` and `Remapped`: leave the call out; the user maps the rest with another mmap"
)]
pub trait Expands: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl Expands for Mixed {}

/// Pages can be inserted: [`Mixed`]. Sealed.
///
/// ```
/// use vmctx::{FaultCtx, PageCount, Platform, kind::HoldsPages};
///
/// /// Brings the page behind the one that is missing.
/// fn prefault_next<P: Platform, M: HoldsPages>(ctx: &mut FaultCtx<'_, P, M>, page: &P::Page) {
///     if let Some(next) = ctx.pgoff().checked_add(PageCount::new(1)) {
///         ctx.prefault_page(next, page);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a page can only be inserted into a `Mixed` mapping, and this one is `{Self}`",
    label = "only a `Mixed` mapping holds inserted pages",
    note = "to insert pages: `type Kind = Mixed;` in `VmOperations`, or `ctx.without_faults::<Mixed>()?`",
    note = "`Undecided`: call `ctx.establish(state)?` or `ctx.without_faults::<Mixed>()?` first",
    note = "`Normal`: hand the page back from the fault hook, `ctx.deliver(page)`",
    note = "`PfnMap`: insert the frame of a `FrameSource`, `ctx.insert_pfn(frame)`"
)]
pub trait HoldsPages: Kind {}
#[diagnostic::do_not_recommend]
impl HoldsPages for Mixed {}

/// Frames can be inserted that may have a page behind them: [`Mixed`]. Sealed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, FrameSource, Platform, VmFault, kind::HoldsMixed};
///
/// /// Serves a fault with memory that has pages on some machines, and none on others.
/// fn serve<'f, P: Platform, M: HoldsMixed>(ctx: FaultCtx<'f, P, M>, memory: &'f P::Iomem) -> VmFault<'f> {
///     ctx.insert_mixed_with(|ctx| memory.frame(ctx.pgoff()).ok_or(Errno::ENXIO))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`insert_mixed` and its relatives need a `Mixed` mapping, and this one is `{Self}`",
    label = "only a `Mixed` mapping holds these",
    note = "to insert frames that may have a page behind them: `type Kind = Mixed;` in `VmOperations`, or \
            `ctx.without_faults::<Mixed>()?`",
    note = "`PfnMap`: `ctx.insert_pfn(frame)`; where it is there already and only to be written, `ctx.allow()`",
    note = "`Normal`: hand a page back from the fault hook, `ctx.deliver(page)`; let a store to it happen, `ctx.allow()`"
)]
pub trait HoldsMixed: Kind {}
#[diagnostic::do_not_recommend]
impl HoldsMixed for Mixed {}

/// Frames can be inserted by number, without a reference: [`PfnMap`]. Sealed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, FrameSource, Platform, VmFault, kind::HoldsFrames};
///
/// fn serve<'f, P: Platform, M: HoldsFrames>(ctx: FaultCtx<'f, P, M>, memory: &'f P::Iomem) -> VmFault<'f> {
///     ctx.insert_pfn_with(|ctx| memory.frame(ctx.pgoff()).ok_or(Errno::ENXIO))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a frame can only be inserted by number into a `PfnMap` mapping, and this one is `{Self}`",
    label = "only a `PfnMap` mapping holds frames by number",
    note = "to insert frames by number: `type Kind = PfnMap;` in `VmOperations`, or `ctx.without_faults::<PfnMap>()?`",
    note = "`Undecided`: call `ctx.establish(state)?` or `ctx.without_faults::<PfnMap>()?` first",
    note = "`Mixed`: `ctx.insert_mixed(frame)` for a frame, `ctx.insert_page(&page)` for a page; beside a fault, \
            `ctx.prefault_mixed(at, frame)`, `ctx.prefault_page(at, &page)`",
    note = "`Normal`: hand a page back from the fault hook, `ctx.deliver(page)`",
    note = "`Remapped`: `ctx.remap_from_first(frames)` in the mmap hook, nothing in a fault"
)]
pub trait HoldsFrames: Kind {}
#[diagnostic::do_not_recommend]
impl HoldsFrames for PfnMap {}

/// Users have pages, which can be written for the first time, and mapped around a fault: [`Normal`] and [`Mixed`].
/// Sealed.
///
/// ```
/// use vmctx::{Hooks, PageMkwrite, VmOperations, kind::MapsPages};
///
/// /// The hooks of a state that is told of first stores.
/// const fn told<V: VmOperations>(page_mkwrite: PageMkwrite<V>) -> Hooks<V>
/// where
///     V::Kind: MapsPages,
/// {
///     Hooks::NONE.page_mkwrite(page_mkwrite)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`page_mkwrite` and `map_pages` are hooks of a mapping with pages, `Normal` or `Mixed`, and this one is `{Self}`",
    label = "this mapping has no pages to tell the hook about",
    note = "to have pages: `type Kind = Mixed;` or `type Kind = Normal;` in `VmOperations`",
    note = "`PfnMap`: first stores are told to `pfn_mkwrite`, and neighbours are filled by the fault hook, \
            `ctx.prefault_pfn(at, frame)`, or at once by `huge_fault`",
    note = "`Remapped`: all of it is mapped at mmap, and nothing is told afterwards"
)]
pub trait MapsPages: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl MapsPages for Normal {}
#[diagnostic::do_not_recommend]
impl MapsPages for Mixed {}

/// Faults can map frames, one by one or in large entries: [`Mixed`] and [`PfnMap`]. Sealed.
///
/// ```
/// use vmctx::{Hooks, HugeFault, VmOperations, kind::MapsFrames};
///
/// /// The hooks of a state with memory in large pieces.
/// const fn large<V: VmOperations>(huge_fault: HugeFault<V>) -> Hooks<V>
/// where
///     V::Kind: MapsFrames,
/// {
///     Hooks::NONE.huge_fault(huge_fault)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`huge_fault` and `pfn_mkwrite` are hooks of a mapping with frames, `Mixed` or `PfnMap`, and this one is `{Self}`",
    label = "this mapping has no frames that faults have inserted",
    note = "to have frames: `type Kind = PfnMap;` or `type Kind = Mixed;` in `VmOperations`",
    note = "`Normal`: its pages are handed back one by one, `ctx.deliver(page)`, and first stores are told to `page_mkwrite`",
    note = "`Remapped`: all of it is mapped at mmap, and nothing is told afterwards"
)]
pub trait MapsFrames: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl MapsFrames for Mixed {}
#[diagnostic::do_not_recommend]
impl MapsFrames for PfnMap {}

/// Memory that can be taken back can be inserted: [`Mixed`] and [`PfnMap`]. Sealed.
///
/// ```
/// use vmctx::{Backing, FaultCtx, Platform, Revocable, VmFault, kind::HoldsRevocable};
///
/// fn serve<'f, P: Platform, B: Backing<Platform = P>, M: HoldsRevocable>(
///     ctx: FaultCtx<'f, P, M>,
///     memory: &Revocable<P, B>,
/// ) -> VmFault<'f> {
///     memory.resident(ctx.may_sleep()).insert(ctx)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "memory that can be taken back can only be inserted into a `Mixed` or a `PfnMap` mapping, and this one is `{Self}`",
    label = "this mapping does not hold memory that can be taken back",
    note = "`type Kind = PfnMap;` in `VmOperations`: everything goes by number, as TTM and spufs do it",
    note = "`type Kind = Mixed;`: its pages in RAM are counted"
)]
pub trait HoldsRevocable: Kind {}
#[diagnostic::do_not_recommend]
impl HoldsRevocable for Mixed {}
#[diagnostic::do_not_recommend]
impl HoldsRevocable for PfnMap {}

/// The whole range is remapped at once: [`Remapped`]. Sealed.
///
/// ```
/// use vmctx::{Errno, FrameSource, Mapped, MmapCtx, Platform, kind::RemapsWhole};
///
/// fn fill<'m, P: Platform, M: RemapsWhole>(ctx: MmapCtx<'m, P, M>, bar: &'m P::Iomem) -> Result<Mapped<'m>, Errno> {
///     let frames = bar.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
///     ctx.remap_from_first(frames)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the whole range is remapped at once only in a `Remapped` mapping, and this one is `{Self}`",
    label = "only for a `Remapped` mapping",
    note = "to map the whole range by number at mmap: `ctx.without_faults::<Remapped>()?`, or `type Kind = Remapped;`",
    note = "`PfnMap`: `ctx.remap(frames)?` maps part of the range, and faults may fill the rest"
)]
pub trait RemapsWhole: Kind {}
#[diagnostic::do_not_recommend]
impl RemapsWhole for Remapped {}

/// What users see is mapped by number, and has no page that the kernel could hold: [`PfnMap`] and [`Remapped`]. Sealed.
///
/// ```
/// use vmctx::{AccessCtx, Accessed, Errno, Platform, kind::MapsByNumber};
///
/// /// Debuggers see what the user sees, and store nothing.
/// fn access<'a, P: Platform, M: MapsByNumber>(ctx: AccessCtx<'a, P, M>) -> Result<Accessed<'a>, Errno> {
///     if ctx.is_write() { Err(Errno::EACCES) } else { ctx.copy_mapped() }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`copy_mapped` copies a frame that was mapped by number, `PfnMap` or `Remapped`, and this mapping is `{Self}`",
    label = "this mapping has pages, which debuggers reach by themselves",
    note = "`Mixed` and `Normal`: this hook is asked only where the fault hook has failed, or where the mapping is \
            `ctx.io()`; `ctx.copy_page(&page)` copies a page of the driver's, `ctx.copy_iomem(&memory, ctx.pgoff())` \
            device memory",
    note = "without an `access` hook debuggers see the pages that users see"
)]
pub trait MapsByNumber: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl MapsByNumber for PfnMap {}
#[diagnostic::do_not_recommend]
impl MapsByNumber for Remapped {}

/// The fault hook can hand a page back for the core to map: [`Normal`] and [`Mixed`]. Sealed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Platform, VmFault, kind::DeliversPages};
///
/// fn serve<'f, P: Platform, M: DeliversPages>(ctx: FaultCtx<'f, P, M>, pages: &[P::Page]) -> VmFault<'f> {
///     ctx.deliver_with(|ctx| ctx.pgoff().of(pages).cloned().ok_or(Errno::ENXIO))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a page can only be handed back in a `Normal` or `Mixed` mapping, and this one is `{Self}`",
    label = "this mapping has no pages to hand back",
    note = "`PfnMap`: insert the frame, `ctx.insert_pfn(frame)`",
    note = "to hand pages back: `type Kind = Normal;` in `VmOperations`"
)]
pub trait DeliversPages: sealed::KnownKind {}
#[diagnostic::do_not_recommend]
impl DeliversPages for Normal {}
#[diagnostic::do_not_recommend]
impl DeliversPages for Mixed {}

/// A mapping that can do without a fault hook: [`Mixed`], [`PfnMap`] and [`Remapped`]. Sealed.
///
/// ```
/// use vmctx::{Errno, MmapCtx, Platform, kind::Populated};
///
/// /// What all mappings of a driver have in common that it fills when they are made.
/// fn begin<'m, P: Platform, K: Populated>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P, K>, Errno> {
///     ctx.shared_only()?.dont_dump().without_faults::<K>()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a mapping without a fault hook cannot be `{Self}`",
    label = "nothing would ever fill it",
    note = "without a fault hook the mmap hook fills it: `ctx.without_faults::<Mixed>()?` for pages, `<PfnMap>` for frames, \
            `<Remapped>` for the whole range; a prepare hook has it filled, with `type Ops = WithoutFaults<P, Mixed>;`",
    note = "`Normal`: its pages come from the fault hook, `ctx.establish(state)?.fill_later()`"
)]
pub trait Populated: Kind {}
#[diagnostic::do_not_recommend]
impl Populated for Mixed {}
#[diagnostic::do_not_recommend]
impl Populated for PfnMap {}
#[diagnostic::do_not_recommend]
impl Populated for Remapped {}

/// A mapping that the mmap hook can fill: [`Mixed`], [`PfnMap`] and [`Remapped`]. Sealed.
///
/// ```
/// use vmctx::{Errno, Mapped, MmapCtx, Platform, kind::FilledAtMmap};
///
/// /// Ends a mmap hook, and says in a log that it did.
/// fn end<'m, P: Platform, M: FilledAtMmap>(ctx: MmapCtx<'m, P, M>, log: impl Fn(&str)) -> Result<Mapped<'m>, Errno> {
///     let mapped = ctx.finish()?;
///     log("mapped");
///     Ok(mapped)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the mmap hook cannot fill this mapping: it is `{Self}`",
    label = "nothing was inserted here that `finish` could vouch for",
    note = "`Undecided`: call `ctx.establish(state)?` or `ctx.without_faults::<Mixed>()?` first, insert, then `ctx.finish()`",
    note = "`Normal`: its pages come from the fault hook, so say `ctx.fill_later()`"
)]
pub trait FilledAtMmap: Kind {}
#[diagnostic::do_not_recommend]
impl FilledAtMmap for Mixed {}
#[diagnostic::do_not_recommend]
impl FilledAtMmap for PfnMap {}
#[diagnostic::do_not_recommend]
impl FilledAtMmap for Remapped {}

/// A mapping that may be filled after the mmap hook, by faults or by an ioctl: [`Normal`], [`Mixed`] and [`PfnMap`].
/// Sealed.
///
/// ```
/// use vmctx::{Mapped, MmapCtx, Platform, kind::FilledLater};
///
/// /// Ends a mmap hook, and says in a log how much is left to the faults.
/// fn end<'m, P: Platform, M: FilledLater>(ctx: MmapCtx<'m, P, M>, log: impl Fn(usize)) -> Mapped<'m> {
///     log(ctx.remaining().get());
///     ctx.fill_later()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this mapping cannot be left to be filled later: it is `{Self}`",
    label = "no fault can fill this mapping",
    note = "`Undecided`: choose the kind first, `ctx.establish(state)?.fill_later()`",
    note = "`Remapped`: `ctx.remap_from_first(frames)` maps the whole range and ends the hook; `PfnMap` is the kind that \
            faults may fill"
)]
pub trait FilledLater: Kind {}
#[diagnostic::do_not_recommend]
impl FilledLater for Normal {}
#[diagnostic::do_not_recommend]
impl FilledLater for Mixed {}
#[diagnostic::do_not_recommend]
impl FilledLater for PfnMap {}
