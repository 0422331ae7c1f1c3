//! A device's memory whose parts are cached differently: the question of linux-kernel, March 2004 ("can device drivers
//! return non-ram via vm_ops->nopage?"), whether "cache-disabled mappings or bolted/locked TLB entries that the core
//! doesn't understand" will be required; `drivers/pci/pci-sysfs.c`, where a BAR is two files, `resource0` and
//! `resource0_wc`, one for each way.
//!
//! A BAR has registers, a frame buffer and memory beside each other, and one mapping may show them all.
//!
//! What C does by hand: the mapping's `vm_page_prot` is one for all that is mapped through it, so a user needs two
//! files, and gets aliases that are cached differently, about which few architectures promise anything. A hook that
//! inserts with another one makes it up from any bits. And to change how memory is cached that is mapped already,
//! somebody must have taken it away everywhere before. Here each insertion says how it is cached, can say nothing else,
//! and who changes it has taken the memory back.

use alloc::vec::Vec;

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, MaySleep, PageCount, PageOffset, PageProt, PageRange, PfnMap,
    Platform, PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, VmFault, VmOperations, platform::Cache,
};

/// A part of a BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its pages in the BAR.
    pub pages: PageRange,
    /// How they are cached.
    pub cache: Cache,
}

/// A BAR's memory and its regions. What is in none of them is not there.
struct Regions<P: Platform> {
    memory: P::Iomem,
    list: Vec<Region>,
}

impl<P: Platform> Regions<P> {
    fn at(&self, at: PageOffset) -> Option<&Region> {
        self.list.iter().find(|region| region.pages.contains(at))
    }
}

impl<P: Platform> Backing for Regions<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let at = PageOffset::new(at.get());
        self.at(at).and_then(|_| self.memory.frame(at)).map(Spot::Frame).ok_or(Errno::ENXIO)
    }

    fn page_prot(&self, at: PageCount, mapping: PageProt) -> PageProt {
        self.at(PageOffset::new(at.get())).map_or(mapping, |region| mapping.cached_as(region.cache))
    }
}

/// A BAR.
pub struct Bar<P: Platform> {
    regions: Revocable<P, Regions<P>>,
}

impl<P: Platform> Bar<P> {
    /// A BAR of these regions.
    ///
    /// # Errors
    /// EINVAL if a region is empty, not all in the memory, or not behind the one before it; ENOMEM.
    pub fn new(memory: P::Iomem, regions: &[Region], may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let mut end = PageOffset::ZERO;
        for pages in regions.iter().map(|region| region.pages) {
            memory.range(pages.start, pages.page_count()).ok_or(Errno::EINVAL)?;
            pages.start.checked_since(end).ok_or(Errno::EINVAL)?;
            end = pages.end;
        }
        let mut list = Vec::new();
        list.try_reserve_exact(regions.len()).map_err(|_| Errno::ENOMEM)?;
        list.extend_from_slice(regions);
        let (pages, regions) = (memory.count(), Regions { memory, list });
        Ok(Self { regions: Revocable::new(regions, &SharedObject::new(may_sleep)?, pages, may_sleep)? })
    }

    /// From now on a region is cached so, for everybody: two mappings of it never differ.
    ///
    /// # Errors
    /// EINVAL if there is no such region.
    pub fn set_cache(&self, region: usize, cache: Cache, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.regions.revoke(may_sleep).list.get_mut(region).ok_or(Errno::EINVAL)?.cache = cache;
        Ok(())
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|bar: &Self| Some(bar.regions.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.regions.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// The file `resource0` of the device.
pub struct CacheDisabled<P: Platform> {
    bar: P::Ref<Bar<P>>,
}

impl<P: Platform> CacheDisabled<P> {
    /// Opens it.
    pub fn new(bar: P::Ref<Bar<P>>) -> Self {
        Self { bar }
    }
}

impl<P: Platform> PrepareFile for CacheDisabled<P> {
    type Platform = P;
    type Ops = Bar<P>;

    /// All of it in the BAR, or EINVAL (`pci_mmap_fits`).
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        self.bar.regions.resident(ctx.may_sleep()).memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        ctx.io().writable().dont_dump().noncached().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Bar<P>>, Errno> {
        Ok(self.bar.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.bar.regions.object())
    }
}
