//! Pages whose first stores are noted, or refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{Errno, FaultCtx, Hooks, Mixed, PageMkwriteCtx, Platform, VmFault, VmOperations};

use crate::drivers::{Handles, PageOf, RefOf, System, share, with_handles};

pub(crate) struct Tracked<P: Platform> {
    pages: Vec<P::Page>,
    stores: Vec<AtomicUsize>,
    refuses: bool,
}

impl<P: Platform> Tracked<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.refuses {
            return ctx.fail(Errno::ENOSPC);
        }
        let page = ctx.lock_page();
        self.stores[ctx.pgoff().index()].fetch_add(1, Ordering::Relaxed);
        ctx.allow_locked(page)
    }

    pub(crate) fn stores(&self) -> Vec<usize> {
        self.stores.iter().map(|stores| stores.load(Ordering::Relaxed)).collect()
    }
}

impl<P: Platform> VmOperations for Tracked<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        match self.pages.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// The state of all mappings of a file whose first stores are noted.
type TrackedOf<S> = RefOf<S, Tracked<<S as System>::Platform>>;

/// A file whose first stores are noted, or refused.
pub(crate) fn tracked<S: System>(
    system: &S,
    pages: &[PageOf<S>],
    refuses: bool,
) -> (S::File, TrackedOf<S>, Handles<S::Platform, Mixed>) {
    let stores = pages.iter().map(|_| AtomicUsize::new(0)).collect();
    let state = share(system, Tracked { pages: pages.to_vec(), stores, refuses });
    let shared = state.clone();
    let (file, handles) = with_handles(system, move |_| shared.clone());
    (file, state, handles)
}
