//! Pages with one owner.

use crate::{
    errno::Errno,
    page::{OutOfPage, PageRef as _},
    platform::Platform,
    sleep::MaySleep,
};

/// A page of which this is the only reference: no user has it mapped as a page, and nobody else holds it.
///
/// It is what a driver's pool keeps. A page that was given to a mapping comes back only through
/// [`claim`](Self::claim), which refuses it while a user still has it, so that it cannot be given to the next user
/// meanwhile (CVE-2024-0582).
///
/// ```
/// use vmctx::{Platform, UniquePage};
///
/// struct Pool<P: Platform> {
///     free: Vec<UniquePage<P>>,
///     /// Taken back by their owners, while users still have them.
///     lingering: Vec<P::Page>,
/// }
///
/// impl<P: Platform> Pool<P> {
///     fn take(&mut self) -> Option<P::Page> {
///         let (gone, lingering) = self.lingering.drain(..).map(UniquePage::claim).partition::<Vec<_>, _>(Result::is_ok);
///         self.free.extend(gone.into_iter().flatten());
///         self.lingering.extend(lingering.into_iter().filter_map(Result::err));
///         self.free.pop().map(UniquePage::into_page)
///     }
///
///     fn give_back(&mut self, page: P::Page) {
///         match UniquePage::claim(page) {
///             Ok(page) => self.free.push(page),
///             Err(page) => self.lingering.push(page),
///         }
///     }
/// }
/// ```
///
/// It is not `Clone`, and gives no reference to the page, of which a clone could be made. That a frame of the page was
/// inserted by number it does not know, because nobody counts that.
#[must_use = "dropping it gives the page back to the platform"]
pub struct UniquePage<P: Platform>(P::Page);

impl<P: Platform> UniquePage<P> {
    /// A fresh zeroed page.
    ///
    /// # Errors
    /// ENOMEM.
    #[track_caller]
    pub fn alloc(memory: &P::Memory, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno> {
        P::alloc_page(memory, may_sleep).map(Self)
    }

    /// This page, if nobody else holds it, with zeros in it: the next user sees nothing of the last one's. (A driver
    /// that clears only as much as it has filled shows him the rest of the page.)
    ///
    /// # Errors
    /// The page itself, as it is, if somebody does: a mapping, another reference of the driver's, whoever has pinned it
    /// (O_DIRECT, RDMA). Also on a platform that [cannot tell](Platform#what-a-platform-may-lack).
    pub fn claim(page: P::Page) -> Result<Self, P::Page> {
        let page = Self::claim_with_contents(page)?;
        match page.clear() {
            Ok(()) => Ok(page),
            Err(OutOfPage { .. }) => Err(page.0),
        }
    }

    /// The same, with what its last user has left in it: for a driver that reads that, or writes over all of it.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub fn claim_with_contents(page: P::Page) -> Result<Self, P::Page> {
        if P::is_only_reference(&page) { Ok(Self(page)) } else { Err(page) }
    }

    fn clear(&self) -> Result<(), OutOfPage> {
        const ZEROS: [u8; 512] = [0; 512];
        let (mut rest, mut offset) = (P::PAGE_SIZE, 0);
        while rest != 0 {
            let zeros = ZEROS.get(..rest).unwrap_or(&ZEROS);
            self.write(offset, zeros)?;
            (rest, offset) = (rest - zeros.len(), offset + zeros.len());
        }
        Ok(())
    }

    /// The page, to be mapped or shared.
    #[must_use]
    pub fn into_page(self) -> P::Page {
        self.0
    }

    /// Copies bytes out of the page, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// [`OutOfPage`] if they do not all lie in the page; then nothing was copied.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        self.0.read(offset, into)
    }

    /// Copies bytes into the page, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// [`OutOfPage`] if they do not all fit into the page; then nothing was copied.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        self.0.write(offset, from)
    }
}

// What it refuses, with what to write instead.
include!("refused/unique_page.rs");
