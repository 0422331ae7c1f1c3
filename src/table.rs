//! Revocable memory in pieces, each of which can be taken back by itself.

use core::{
    mem,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    errno::Errno,
    frame::FrameRange,
    platform::Platform,
    prot::PageProt,
    revocable::{Backing, Revocable, Revoked, Spot},
    shared_object::SharedObject,
    sleep::MaySleep,
    sparse::Sparse,
    units::{PageCount, PageOffset},
};

/// A [`Backing`] in pieces of so many pages each, which can be taken back [one by one](Revocable::revoke_part): the slots
/// of a window, the parts of an object that an aperture shows, the pages of a cache.
///
/// It is sparse. A piece that nobody has changed is what its [`Default`] says, and takes no memory.
///
/// ```
/// use vmctx::{Errno, MaySleep, OnePage, PageCount, PageOffset, Platform, Revocable, SharedObject, Table};
///
/// /// A window whose slots show a page each, or nothing.
/// struct Window<P: Platform> {
///     slots: Revocable<P, Table<Option<OnePage<P>>>>,
/// }
///
/// impl<P: Platform> Window<P> {
///     fn new(slots: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         let (object, each) = (SharedObject::new(may_sleep)?, PageCount::new(1));
///         Ok(Self { slots: Revocable::in_pieces(&object, slots, each, may_sleep)? })
///     }
///
///     /// From now on that slot shows this page.
///     fn remap(&self, slot: usize, page: P::Page, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
///         self.slots.revoke_piece(slot, may_sleep, |slot| {
///             *slot = Some(OnePage(page));
///             Ok(())
///         })
///     }
/// }
/// ```
pub struct Table<B> {
    pieces: Sparse<Piece<B>>,
    /// What every piece is that nobody has changed.
    untouched: Piece<B>,
    /// How many pages each has.
    pages: PageCount,
    /// How many there are.
    len: usize,
}

/// A piece, and whether something of it was inserted since it was last taken back.
#[derive(Default)]
struct Piece<B> {
    backing: B,
    inserted: AtomicBool,
}

impl<B: Backing + Default> Table<B> {
    /// A piece, by its number, or `None` behind the last.
    #[must_use]
    pub fn get(&self, piece: usize) -> Option<&B> {
        Some(&self.pieces.get(piece).unwrap_or(&self.untouched).backing).filter(|_| piece < self.len)
    }

    /// Calls `look` for each piece of this part that somebody has changed, in order.
    pub(crate) fn for_each(&self, part: &Range<usize>, mut look: impl FnMut(usize, &B)) {
        self.pieces.for_each(part, &mut |index, piece| look(index, &piece.backing));
    }

    /// The piece that a page is in, and which page of it.
    fn piece(&self, at: PageCount) -> Option<(&Piece<B>, PageCount)> {
        let piece = at.get().checked_div(self.pages.get()).filter(|piece| *piece < self.len)?;
        let page = PageCount::new(at.get() % self.pages.get());
        Some((self.pieces.get(piece).unwrap_or(&self.untouched), page))
    }
}

impl<B: Backing + Default> Backing for Table<B> {
    type Platform = B::Platform;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, B::Platform>, Errno> {
        let (piece, page) = self.piece(at).ok_or(Errno::ENXIO)?;
        piece.backing.spot(page)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, B::Platform>> {
        let (piece, page) = self.piece(first)?;
        let end = page.get().checked_add(count.get())?;
        if end > self.pages.get() {
            return None;
        }
        piece.backing.frames(page, count)
    }

    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        self.piece(at).map_or(mapping, |(piece, page)| piece.backing.page_prot(page, mapping))
    }

    fn note_insertion(&self, at: PageCount) {
        // The lock that is held for this orders it before whoever takes the piece back.
        if let Some((piece, _)) = self.piece(at) {
            piece.inserted.store(true, Ordering::Relaxed);
        }
    }
}

impl<P: Platform, B: Backing<Platform = P> + Default> Revocable<P, Table<B>> {
    /// Memory of `count` pages, shown where this object begins, in pieces of `each` pages. The last may reach over the
    /// end.
    ///
    /// # Errors
    /// EINVAL for pieces without pages; else as [`new`](Self::new).
    #[track_caller]
    pub fn in_pieces(
        object: &SharedObject<P>,
        count: PageCount,
        each: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        if each == PageCount::ZERO {
            return Err(Errno::EINVAL);
        }
        let len = count.get().div_ceil(each.get());
        let table = Table { pieces: Sparse::new(len), untouched: Piece::default(), pages: each, len };
        Self::new(table, object, count, may_sleep)
    }

    /// Takes a part of the memory back, which is given in pieces of the table. The others stay with their users; while
    /// the guard is there, nobody inserts any of them. Pieces of which nobody has anything mapped cost nothing to take.
    ///
    /// # Errors
    /// EINVAL if the table has not all of them; then nothing was taken.
    #[track_caller]
    pub fn revoke_part(&self, part: Range<usize>, may_sleep: MaySleep<'_>) -> Result<RevokedPart<'_, P, B>, Errno> {
        let mut of = self.lock_to_revoke(may_sleep);
        if part.start > part.end || part.end > of.len {
            return Err(Errno::EINVAL);
        }
        let mut inserted = None::<Range<usize>>;
        of.pieces.retain(&part, &mut |index, piece| {
            if mem::take(piece.inserted.get_mut()) {
                let first = inserted.as_ref().map_or(index, |pieces| pieces.start);
                inserted = Some(first..index.saturating_add(1));
            }
            true
        });
        // Pieces that nobody has changed share one entry, which does not say which of them was inserted.
        if *of.untouched.inserted.get_mut() {
            inserted = Some(part.clone());
        }
        if let Some(pieces) = inserted {
            let pages = of.pages.get();
            let skip = pieces.start.saturating_mul(pages);
            let count = pieces.len().saturating_mul(pages).min(self.page_count().get().saturating_sub(skip));
            self.object().unmap_once(PageOffset::new(skip), PageCount::new(count), may_sleep);
        }
        Ok(RevokedPart { of, part })
    }

    /// Takes one piece back, and has it changed. Gives back what `change` does.
    ///
    /// # Errors
    /// EINVAL if the table has no such piece, ENOMEM if it has to be made and cannot be; else what `change` says.
    #[track_caller]
    pub fn revoke_piece<R>(
        &self,
        piece: usize,
        may_sleep: MaySleep<'_>,
        change: impl FnOnce(&mut B) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        change(self.revoke_part(piece..piece.saturating_add(1), may_sleep)?.get_mut(piece)?)
    }
}

/// A guard: a part of the memory was taken back, and can be changed. From [`Revocable::revoke_part`].
///
/// ```
/// use vmctx::{Errno, IomemPart, MaySleep, Platform, Revocable, Table};
///
/// /// Gives back the first sixteen blocks: whoever touches them gets ENXIO from then on.
/// fn give_back<P: Platform>(
///     blocks: &Revocable<P, Table<Option<IomemPart<P>>>>,
///     may_sleep: MaySleep<'_>,
/// ) -> Result<(), Errno> {
///     let mut part = blocks.revoke_part(0..16, may_sleep)?;
///     part.retain(|_, _| false);
///     Ok(())
/// }
/// ```
pub struct RevokedPart<'r, P: Platform, B: Backing<Platform = P> + Default> {
    of: Revoked<'r, P, Table<B>>,
    part: Range<usize>,
}

impl<P: Platform, B: Backing<Platform = P> + Default> RevokedPart<'_, P, B> {
    /// A piece that was taken back, to be changed.
    ///
    /// # Errors
    /// EINVAL if it was not; ENOMEM if it has to be made and cannot be.
    pub fn get_mut(&mut self, piece: usize) -> Result<&mut B, Errno> {
        if !self.part.contains(&piece) {
            return Err(Errno::EINVAL);
        }
        self.of.pieces.get_or_insert_with(piece, Piece::default).map(|piece| &mut piece.backing)
    }

    /// Goes through the pieces that were taken back and that somebody has changed before, in order. Those for which
    /// `keep` is false are [`Default`] again, and take no memory any more.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, &mut B) -> bool) {
        self.of.pieces.retain(&self.part, &mut |index, piece| keep(index, &mut piece.backing));
    }
}
