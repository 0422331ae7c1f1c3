//! A graphics buffer of pages: `drivers/gpu/drm/rockchip/rockchip_drm_gem.c`, `rockchip_drm_gem_object_mmap_iommu`.
//!
//! The user maps the buffer, or the part of it that begins at `pgoff`, with stores gathered.
//!
//! What C did by hand: in 2018 a loop over the pages, with its own arithmetic for length and offset, as a dozen
//! drivers had it. And it must clear `VM_PFNMAP` first, which the DRM core has set for the drivers that insert by
//! number; `vm_insert_page` meets that flag with a `BUG_ON`. Here the kind is chosen once, and the flags follow from
//! it.

use vmctx::{Errno, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, WithoutFaults};

use crate::buffer::Buffer;

/// A buffer object behind an IOMMU: its pages lie anywhere.
pub struct RockchipGem<P: Platform> {
    pages: P::Ref<Buffer<P>>,
}

impl<P: Platform> RockchipGem<P> {
    /// The object of these pages.
    pub fn new(pages: P::Ref<Buffer<P>>) -> Self {
        Self { pages }
    }
}

impl<P: Platform> PrepareFile for RockchipGem<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.io().writable().dont_dump().write_combine().fill_at_pgoff(self.pages.pages())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}
