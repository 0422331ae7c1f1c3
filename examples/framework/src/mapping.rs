//! Mappings behind `dyn`.
//!
//! Linux acts on whether an optional hook is there, so in `vmctx` the hooks are a constant of the state's type. Here a
//! driver says at run time which it has: there is a state type for each set of them, and [`map`] takes the one that fits.

use crate::prelude::*;

/// Which optional hooks a mapping has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Optional {
    /// [`Mapping::store`]: the mapping starts read-only, and each first store to a page is told.
    pub store: bool,
    /// [`Mapping::open`] and [`Mapping::close`]: each VMA is told, that of mmap too.
    pub open: bool,
}

/// The state of a mapping of pages, as drivers of this framework have it.
pub trait Mapping: Send + Sync + 'static {
    /// Brings a page.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Mixed>) -> VmFault<'f>;

    /// Which of the hooks below there are. Asked once for each mmap.
    fn optional(&self) -> Optional {
        Optional::default()
    }

    /// Is told of the first store to a page.
    fn store<'f>(&'f self, ctx: PageMkwriteCtx<'f, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }

    /// Is told of a VMA.
    ///
    /// # Errors
    /// The mmap or fork fails with it.
    fn open(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// Is told of the end of a VMA that was opened.
    fn close(&self) {}
}

/// A mapping with some of the hooks.
struct Hooked<const STORE: bool, const OPEN: bool>(Box<dyn Mapping>);

impl<const STORE: bool, const OPEN: bool> VmOperations for Hooked<STORE, OPEN> {
    type Platform = Platform;
    type Kind = Mixed;

    const HOOKS: Hooks<Self> = {
        let mut hooks = Hooks::NONE;
        if STORE {
            hooks = hooks.page_mkwrite(Self::store);
        }
        if OPEN {
            hooks = hooks.open(Self::open).close(Self::close);
        }
        hooks
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Mixed>) -> VmFault<'f> {
        self.0.fault(ctx)
    }
}

impl<const STORE: bool, const OPEN: bool> Hooked<STORE, OPEN> {
    fn store<'f>(&'f self, ctx: PageMkwriteCtx<'f, Mixed>) -> VmFault<'f> {
        self.0.store(ctx)
    }

    fn open(&self) -> Result<(), Errno> {
        self.0.open()
    }

    fn close(&self) {
        self.0.close();
    }
}

/// Ends a mmap hook: the mapping has this state, and is filled by its faults.
///
/// # Errors
/// As [`establish`](MmapCtx::establish).
pub fn map<'m>(ctx: MmapCtx<'m>, mapping: Box<dyn Mapping>) -> Result<Mapped<'m>, Errno> {
    let ctx = match mapping.optional() {
        Optional { store: false, open: false } => ctx.establish(Hooked::<false, false>(mapping)),
        Optional { store: true, open: false } => ctx.establish(Hooked::<true, false>(mapping)),
        Optional { store: false, open: true } => ctx.establish(Hooked::<false, true>(mapping)),
        Optional { store: true, open: true } => ctx.establish(Hooked::<true, true>(mapping)),
    };
    Ok(ctx?.fill_later())
}
