//! A prepare hook as platforms call it, whatever the file's type.

use crate::{
    description::Description, errno::Errno, platform::Platform, prepare::Action, shared_object::SharedObject,
    units::PageRange,
};

/// The prepare hook of a file: [`MmapFile::prepare_hook`](crate::MmapFile::prepare_hook). A platform calls it through
/// [`entry`](crate::entry).
///
/// ```
/// use vmctx::{MmapFile, Platform, PrepareHook};
///
/// /// A file around another has that one's hook.
/// struct Logged<F>(F);
///
/// impl<F: MmapFile> Logged<F> {
///     fn prepare_hook(&self) -> Option<PrepareHook<'_, F::Platform>> {
///         self.0.prepare_hook()
///     }
/// }
/// ```
pub struct PrepareHook<'f, P: Platform>(&'f dyn Describes<P>);

/// What a prepare hook has described. For platforms.
///
/// ```
/// use vmctx::{Platform, entry::{Action, Described}};
///
/// /// Whether a platform may leave the page tables alone: there is nothing to fill.
/// fn is_left_to_faults<P: Platform>(described: &Described<'_, P>) -> bool {
///     matches!(described.action(), Action::ByFaults)
/// }
/// ```
pub struct Described<'f, P: Platform> {
    pub(crate) description: Description,
    pub(crate) object: Option<SharedObject<P>>,
    pub(crate) action: Action<'f, P>,
    pub(crate) told_of_stores: bool,
}

/// A file with a prepare hook, whose operations only it knows.
pub(crate) trait Describes<P: Platform>: Send + Sync {
    fn describe(&self, wanted: Description) -> Result<Described<'_, P>, Errno>;
    fn mapped(&self, shown: PageRange, vma: &mut P::Vma) -> Result<(), Errno>;
}

impl<'f, P: Platform> PrepareHook<'f, P> {
    pub(crate) fn of(file: &'f dyn Describes<P>) -> Self {
        Self(file)
    }

    /// Has the file describe a mapping.
    pub(crate) fn describe(&self, wanted: Description) -> Result<Described<'f, P>, Errno> {
        self.0.describe(wanted)
    }

    /// Has the file make the state of a mapping that is filled as it was described.
    pub(crate) fn mapped(&self, shown: PageRange, vma: &mut P::Vma) -> Result<(), Errno> {
        self.0.mapped(shown, vma)
    }
}

impl<P: Platform> Described<'_, P> {
    /// What the mapping is to be: the VMA is made so.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The object that the mapping was rebased to, if it was: EINVAL for a file that does not show it.
    #[must_use]
    pub const fn object(&self) -> Option<&SharedObject<P>> {
        self.object.as_ref()
    }

    /// How it is filled when the VMA is there.
    #[must_use]
    pub const fn action(&self) -> &Action<'_, P> {
        &self.action
    }

    /// Whether the operations of the mapping are told of first stores: what fills it must not be writable yet.
    #[must_use]
    pub const fn is_told_of_stores(&self) -> bool {
        self.told_of_stores
    }

    /// Fills the VMA as it was described.
    #[track_caller]
    pub(crate) fn fill(&self, vma: &mut P::Vma) -> Result<(), Errno> {
        if self.object.as_ref().is_some_and(|object| !P::vma_is_of(vma, &object.raw)) {
            return Err(Errno::EINVAL);
        }
        let start = P::vma_range(vma).start;
        match self.action {
            Action::ByFaults => Ok(()),
            Action::Remap(frames) => P::remap_pfn_range(vma, start, frames),
            Action::Fill(pages) => {
                if self.told_of_stores {
                    P::vma_tells_of_stores(vma)?;
                }
                P::vm_insert_pages(vma, start, pages).map_err(|(errno, _)| errno)
            }
        }
    }
}
