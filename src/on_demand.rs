//! Memory in pieces that are made when they are touched.

use core::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    fault_frame::FaultFrame,
    frame::FrameRange,
    huge::HugeFaultCtx,
    kind::{HoldsRevocable, MapsFrames},
    platform::Platform,
    prot::PageProt,
    revocable::{Backing, Resident, Revocable, Spot},
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    table::Table,
    units::{PageCount, PageOffset, PageRange},
    unlocked::UnlockedCtx,
    wait::WaitQueue as _,
};

/// Memory in pieces that are made when they are touched, and given up again ([G24](crate::guide::guarantees#g24)):
/// blocks of a pool, pages of a device's small memory. If the pieces are pages of RAM, take
/// [`PageCache`](crate::PageCache), which is made of this.
///
/// Each piece is made once, however many faults and ioctls ask for it at once: the first makes it, and the others wait
/// for that one piece and for no other. It is sparse: a piece that nobody has asked for takes no memory.
///
/// A piece is taken back as any [`Revocable`] memory is, unmapped everywhere before it is dropped. What has to happen to
/// it then, as that a block goes back to its pool, is its `Drop`.
///
/// ```
/// use vmctx::{
///     Errno, FaultCtx, Hooks, HugeFaultCtx, IomemPart, Mutex, OnDemand, PfnMap, Platform, VmFault, VmOperations,
/// };
///
/// /// A file of large pages that are taken from a pool.
/// struct File<P: Platform> {
///     blocks: OnDemand<P, IomemPart<P>>,
///     free: P::Mutex<Vec<IomemPart<P>>>,
/// }
///
/// impl<P: Platform> File<P> {
///     fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         self.blocks.serve_huge(ctx, |_, may_sleep| self.free.lock(may_sleep).pop().ok_or(Errno::ENOMEM))
///     }
/// }
///
/// impl<P: Platform> VmOperations for File<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> =
///         Hooks::NONE.huge_fault(Self::huge_fault).object(|file: &Self| Some(file.blocks.object()));
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         self.blocks.serve(ctx, |_, may_sleep| self.free.lock(may_sleep).pop().ok_or(Errno::ENOMEM))
///     }
/// }
/// ```
pub struct OnDemand<P: Platform, B: Backing<Platform = P>> {
    pieces: Revocable<P, Table<Made<B>>>,
    /// How many pages each piece has.
    each: PageCount,
    /// Woken when a piece has been made, or could not be.
    settled: P::WaitQueue,
    /// How many pieces there are.
    in_use: AtomicUsize,
    /// Where the next [`OnDemand::shrink_to`] begins.
    hand: AtomicUsize,
}

/// What there is of one piece of [`OnDemand`] memory.
///
/// ```
/// use vmctx::{Backing, Made, MaySleep, OnDemand, Platform};
///
/// /// Looks at a piece if it is there, and does not have it made.
/// fn peek<P: Platform, B: Backing<Platform = P>, R>(
///     memory: &OnDemand<P, B>,
///     at: usize,
///     may_sleep: MaySleep<'_>,
///     look: impl FnOnce(&B) -> R,
/// ) -> Option<R> {
///     memory.resident(may_sleep).get(at).and_then(Made::get).map(look)
/// }
/// ```
pub struct Made<B>(State<B>);

enum State<B> {
    Absent,
    /// Somebody makes it.
    Making {
        /// Whether it was truncated before it was there.
        in_vain: bool,
    },
    Present(B),
}

impl<B> Default for Made<B> {
    fn default() -> Self {
        Self(State::Absent)
    }
}

impl<B> Made<B> {
    /// The piece, if it has been made.
    #[must_use]
    pub const fn get(&self) -> Option<&B> {
        match &self.0 {
            State::Present(piece) => Some(piece),
            State::Absent | State::Making { .. } => None,
        }
    }

    /// Whether it is not there, and nobody is making it.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, State::Absent)
    }
}

impl<B: Backing> Backing for Made<B> {
    type Platform = B::Platform;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, B::Platform>, Errno> {
        // One that has gone just now is made again: the access is repeated.
        self.get().ok_or(Errno::EAGAIN)?.spot(at)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, B::Platform>> {
        self.get()?.frames(first, count)
    }

    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        self.get().map_or(mapping, |piece| piece.page_prot(at, mapping))
    }
}

impl<P: Platform, B: Backing<Platform = P>> OnDemand<P, B> {
    /// Memory of `count` pages, shown where this object begins, in pieces of `each` pages, none of which is there.
    ///
    /// # Errors
    /// As [`Revocable::in_pieces`].
    #[track_caller]
    pub fn new(
        object: &SharedObject<P>,
        count: PageCount,
        each: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        Ok(Self {
            pieces: Revocable::in_pieces(object, count, each, may_sleep)?,
            each,
            settled: P::WaitQueue::new(may_sleep)?,
            in_use: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
        })
    }

    /// The object through which the memory is shown: for [`MmapFile::object`](crate::MmapFile::object), and for
    /// [`Hooks::object`](crate::Hooks::object).
    #[must_use]
    pub const fn object(&self) -> &SharedObject<P> {
        self.pieces.object()
    }

    /// How many pieces there are now.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Keeps the pieces that are there from being given up, so that they can be inserted or looked at.
    #[track_caller]
    pub fn resident(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Resident<'_, P, Table<Made<B>>> {
        self.pieces.resident(may_sleep)
    }

    /// The same, or `None` while somebody makes a piece or takes one back: for [`map_pages`](crate::Hooks::map_pages).
    pub fn try_resident(&self) -> Option<Resident<'_, P, Table<Made<B>>>> {
        self.pieces.try_resident()
    }

    /// Puts a piece there that is made already.
    ///
    /// # Errors
    /// EINVAL if there is no such place; EEXIST if a piece is there, or is being made; ENOMEM.
    #[track_caller]
    pub fn put(&self, at: usize, piece: B, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let claim = self.claim(at, may_sleep)?.ok_or(Errno::EEXIST)?;
        claim.make(may_sleep, |_, _| Ok(piece))
    }

    /// Serves a fault: inserts the page, whose piece is made first if it is not there. `make` gets its number; it may
    /// sleep, and other pieces are served meanwhile. If it fails there is still no piece, and the errno is answered as by
    /// [`FaultCtx::fail_or_refault`].
    ///
    /// Behind the end it is a SIGBUS. While somebody else makes the piece, the fault lets go of its lock and waits.
    #[track_caller]
    pub fn serve<'f, M: HoldsRevocable>(
        &self,
        ctx: FaultCtx<'f, P, M>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
    ) -> VmFault<'f> {
        self.serve_told(ctx, make, |_, _| ())
    }

    /// The same, and calls `tell` with the piece before the page is inserted, while it cannot be given up.
    #[track_caller]
    pub fn serve_told<'f, M: HoldsRevocable>(
        &self,
        ctx: FaultCtx<'f, P, M>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
        tell: impl FnOnce(&FaultCtx<'f, P, M>, &B),
    ) -> VmFault<'f> {
        self.serve_resident(ctx, make, |ctx, resident, at| {
            if let Some(piece) = resident.get(at).and_then(Made::get) {
                tell(ctx, piece);
            }
        })
    }

    /// The same as [`serve`](Self::serve), and brings the other pages of the piece with it, as far as the mapping shows
    /// them.
    #[track_caller]
    pub fn serve_piece<'f, M: HoldsRevocable>(
        &self,
        ctx: FaultCtx<'f, P, M>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
    ) -> VmFault<'f> {
        let page = ctx.frame().page_of(self.object(), ctx.pgoff()).map_or(0, PageCount::get);
        let (at, before) = (ctx.pgoff().index(), page % self.each.get());
        // The piece and the mapping may each begin before the other, and a piece may have far more pages than the
        // mapping shows, or than the memory has.
        let shown = ctx.frame().pgoff_range();
        let behind = (self.each.get() - before).min(self.pieces.page_count().get().saturating_sub(page));
        let [start, end] = [at.saturating_sub(before), at.saturating_add(behind)].map(PageOffset::new);
        let pages = PageRange::new(start.max(shown.start), end.min(shown.end));
        self.serve_resident(ctx, make, |ctx, resident, _| {
            for at in pages {
                resident.prefault(ctx, at);
            }
        })
    }

    #[track_caller]
    fn serve_resident<'f, M: HoldsRevocable>(
        &self,
        mut ctx: FaultCtx<'f, P, M>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
        before: impl FnOnce(&mut FaultCtx<'f, P, M>, &Resident<'_, P, Table<Made<B>>>, usize),
    ) -> VmFault<'f> {
        let Some(at) = self.shown(ctx.frame(), ctx.pgoff()) else { return ctx.fail(Errno::ENXIO) };
        // Taken before the look at the piece: one that is settled between the two would be waited for in vain.
        let since = self.settled.ticket();
        let mut resident = self.pieces.resident(ctx.may_sleep());
        if resident.get(at).and_then(Made::get).is_none() {
            drop(resident);
            ctx.account_major();
            match self.claim(at, ctx.may_sleep()) {
                Ok(Some(claim)) => {
                    if let Err(errno) = claim.make(ctx.may_sleep(), make) {
                        return ctx.fail_or_refault(errno);
                    }
                }
                Ok(None) => return ctx.release_and_wait(since),
                Err(errno) => return ctx.fail_or_refault(errno),
            }
            // It may have been given up again by now: then the access is repeated.
            resident = self.pieces.resident(ctx.may_sleep());
        }
        before(&mut ctx, &resident, at);
        resident.insert(ctx)
    }

    /// Fills a large entry with the frames of one piece, which is made first if it is not there. It falls back if the
    /// entry does not show a whole piece, if the piece has not its [frames in a row](Backing::frames), or if it cannot
    /// be made: the `fault` hook says why.
    ///
    /// While somebody else makes the piece, the fault waits with its lock.
    #[track_caller]
    pub fn serve_huge<'f, M: HoldsRevocable + MapsFrames>(
        &self,
        ctx: HugeFaultCtx<'f, P, M>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
    ) -> VmFault<'f> {
        let whole = ctx.entry_range().filter(|entry| entry.page_count() == self.each).and_then(|entry| {
            let first = ctx.frame().page_of(self.object(), entry.start)?.get();
            (first % self.each.get() == 0).then(|| first / self.each.get())
        });
        let Some(at) = whole else { return ctx.fallback() };
        let since = self.settled.ticket();
        let resident = self.pieces.resident(ctx.may_sleep());
        if resident.get(at).and_then(Made::get).is_some() {
            return resident.insert_huge(ctx);
        }
        drop(resident);
        ctx.account_major();
        match self.claim(at, ctx.may_sleep()) {
            Ok(Some(claim)) => match claim.make(ctx.may_sleep(), make) {
                Ok(()) => self.pieces.resident(ctx.may_sleep()).insert_huge(ctx),
                Err(_) => ctx.fallback(),
            },
            Ok(None) => match ctx.wait(since) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            },
            Err(_) => ctx.fallback(),
        }
    }

    /// The piece that an offset is in, for a system call. It is made first if it is not there, as in
    /// [`serve`](Self::serve). `look` is called while it cannot be given up.
    ///
    /// # Errors
    /// ENXIO behind the end, ENOMEM, what `make` says; EINTR or ERESTARTSYS if the thread is to die while it waits.
    #[track_caller]
    pub fn with<R>(
        &self,
        at: PageOffset,
        unlocked: &UnlockedCtx<'_, P>,
        mut make: impl FnMut(usize, MaySleep<'_>) -> Result<B, Errno>,
        look: impl FnOnce(&B) -> R,
    ) -> Result<R, Errno> {
        let at = self.index(at)?;
        loop {
            let since = self.settled.ticket();
            let resident = self.pieces.resident(unlocked.may_sleep());
            if let Some(piece) = resident.get(at).and_then(Made::get) {
                return Ok(look(piece));
            }
            drop(resident);
            match self.claim(at, unlocked.may_sleep())? {
                Some(claim) => claim.make(unlocked.may_sleep(), &mut make)?,
                None => unlocked.wait(since)?,
            }
        }
    }

    /// Takes the pieces of which something shows at these offsets from whoever has them mapped, and drops them. `last`
    /// is called before a piece goes: the time to write it back. The next touch makes a new one, and waits until that is
    /// done. Pieces that are being made stay. Gives back how many went.
    ///
    /// `last` is called with the lock held: it must not ask for pieces.
    ///
    /// # Errors
    /// What `last` says: that piece stays, and those behind it.
    #[track_caller]
    pub fn evict(
        &self,
        offsets: PageRange,
        may_sleep: MaySleep<'_>,
        last: impl FnMut(PageOffset, &mut B) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        self.give_up(self.part(offsets), usize::MAX, may_sleep, last)
    }

    /// Takes the pieces of which something shows at these offsets from whoever has them mapped, and drops them, with
    /// what is in them. A piece that is just being made, of what is no more perhaps, is made in vain, and made again.
    /// Gives back how many pieces went.
    #[track_caller]
    pub fn truncate(&self, offsets: PageRange, may_sleep: MaySleep<'_>) -> usize {
        let Ok(mut revoked) = self.pieces.revoke_part(self.part(offsets), may_sleep) else { return 0 };
        let mut went = 0_usize;
        revoked.retain(|_, made| match &mut made.0 {
            State::Present(_) => {
                went = went.saturating_add(1);
                self.in_use.fetch_sub(1, Ordering::Relaxed);
                false
            }
            State::Making { in_vain } => {
                *in_vain = true;
                true
            }
            State::Absent => false,
        });
        went
    }

    /// Gives pieces up as [`evict`](Self::evict) does, until there are no more than `most`: those first that come next
    /// by their offsets, from where the last call has ended.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn shrink_to(
        &self,
        most: usize,
        may_sleep: MaySleep<'_>,
        mut last: impl FnMut(PageOffset, &mut B) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let count = self.piece_count();
        let hand = self.hand.load(Ordering::Relaxed).min(count);
        let mut went = 0_usize;
        for part in [hand..count, 0..hand] {
            let surplus = self.in_use().saturating_sub(most);
            if surplus != 0 {
                went = went.saturating_add(self.give_up(part, surplus, may_sleep, &mut last)?);
            }
        }
        Ok(went)
    }

    /// Unmaps the pieces of which something shows at these offsets, and calls `change` for each of which `wanted` says
    /// so. They stay.
    #[track_caller]
    pub(crate) fn change(
        &self,
        offsets: PageRange,
        may_sleep: MaySleep<'_>,
        wanted: impl Fn(&B) -> bool,
        mut change: impl FnMut(PageOffset, &mut B) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let part = self.found(self.part(offsets), usize::MAX, may_sleep, &wanted);
        let mut revoked = self.pieces.revoke_part(part, may_sleep)?;
        let (mut changed, mut outcome) = (0_usize, Ok(()));
        revoked.retain(|index, made| {
            if let (State::Present(piece), Some(at), true) = (&mut made.0, self.offset(index), outcome.is_ok()) {
                if wanted(piece) {
                    outcome = change(at, piece);
                    changed = changed.saturating_add(usize::from(outcome.is_ok()));
                }
            }
            true
        });
        outcome.map(|()| changed)
    }

    /// The part of these pieces, from its first on, in which the first `most` are that are there and wanted. It is
    /// found before it is revoked, so that no more is unmapped than has to be.
    #[track_caller]
    fn found(
        &self,
        part: Range<usize>,
        most: usize,
        may_sleep: MaySleep<'_>,
        wanted: impl Fn(&B) -> bool,
    ) -> Range<usize> {
        let (mut end, mut found) = (part.start, 0_usize);
        self.pieces.resident(may_sleep).for_each(&part, |index, made| {
            if found < most && made.get().is_some_and(&wanted) {
                found = found.saturating_add(1);
                end = index.saturating_add(1);
            }
        });
        part.start..end
    }

    /// Gives up to `most` pieces of this part up.
    #[track_caller]
    fn give_up(
        &self,
        part: Range<usize>,
        most: usize,
        may_sleep: MaySleep<'_>,
        mut last: impl FnMut(PageOffset, &mut B) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let part = self.found(part, most, may_sleep, |_| true);
        let end = part.end;
        let mut revoked = self.pieces.revoke_part(part, may_sleep)?;
        let (mut went, mut outcome) = (0_usize, Ok(()));
        revoked.retain(|index, made| match (&mut made.0, self.offset(index)) {
            (State::Present(piece), Some(at)) if went < most && outcome.is_ok() => {
                outcome = last(at, piece);
                let goes = outcome.is_ok();
                went = went.saturating_add(usize::from(goes));
                self.in_use.fetch_sub(usize::from(goes), Ordering::Relaxed);
                !goes
            }
            _ => !made.is_absent(),
        });
        self.hand.store(end, Ordering::Relaxed);
        outcome.map(|()| went)
    }

    /// How many pieces the memory has.
    fn piece_count(&self) -> usize {
        self.pieces.page_count().get().div_ceil(self.each.get())
    }

    /// The pieces of which something shows at these offsets.
    fn part(&self, offsets: PageRange) -> Range<usize> {
        // Rounded to pieces, a range without pages would have one.
        let end = if offsets.is_empty() { 0 } else { offsets.end.index().div_ceil(self.each.get()) };
        let end = end.min(self.piece_count());
        (offsets.start.index() / self.each.get()).min(end)..end
    }

    /// The piece that an offset is in.
    pub(crate) fn index(&self, at: PageOffset) -> Result<usize, Errno> {
        let inside = Some(at.index()).filter(|page| *page < self.pieces.page_count().get());
        inside.map(|page| page / self.each.get()).ok_or(Errno::ENXIO)
    }

    /// The piece that the mapping of a fault shows at an offset of its own.
    pub(crate) fn shown(&self, frame: &FaultFrame<'_, P>, at: PageOffset) -> Option<usize> {
        frame.page_of(self.object(), at).map(|page| page.get() / self.each.get())
    }

    /// Where a piece begins.
    fn offset(&self, piece: usize) -> Option<PageOffset> {
        Some(PageOffset::new(piece.checked_mul(self.each.get())?))
    }

    /// The right to make a piece, or `None` if somebody has been faster.
    #[track_caller]
    fn claim(&self, at: usize, may_sleep: MaySleep<'_>) -> Result<Option<Claim<'_, P, B>>, Errno> {
        self.pieces.revoke_piece(at, may_sleep, |made| {
            if !made.is_absent() {
                return Ok(None);
            }
            made.0 = State::Making { in_vain: false };
            Ok(Some(Claim { of: self, at, is_settled: false }))
        })
    }
}

/// The right to make one piece. Whatever becomes of it, nobody waits for the piece for ever.
struct Claim<'c, P: Platform, B: Backing<Platform = P>> {
    of: &'c OnDemand<P, B>,
    at: usize,
    is_settled: bool,
}

impl<P: Platform, B: Backing<Platform = P>> Claim<'_, P, B> {
    #[track_caller]
    fn make(
        mut self,
        may_sleep: MaySleep<'_>,
        make: impl FnOnce(usize, MaySleep<'_>) -> Result<B, Errno>,
    ) -> Result<(), Errno> {
        let piece = make(self.at, may_sleep)?;
        self.settle(State::Present(piece));
        Ok(())
    }

    /// Says what has become of the piece, and wakes who waits for it.
    fn settle(&mut self, to: State<B>) {
        self.is_settled = true;
        let mut to = Some(to);
        // It cannot fail, because the piece is there since it was claimed.
        if let Ok(mut revoked) = self.of.pieces.revoke_part(self.at..self.at.saturating_add(1), may_sleep()) {
            // One that could not be made takes no memory, or users would take all there is by touching what is not there.
            revoked.retain(|_, made| {
                let in_vain = matches!(made.0, State::Making { in_vain: true });
                made.0 = to.take().filter(|_| !in_vain).unwrap_or(State::Absent);
                self.of.in_use.fetch_add(usize::from(made.get().is_some()), Ordering::Relaxed);
                !made.is_absent()
            });
        }
        self.of.settled.wake_all();
    }
}

impl<P: Platform, B: Backing<Platform = P>> Drop for Claim<'_, P, B> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(State::Absent);
        }
    }
}
