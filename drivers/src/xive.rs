//! The XIVE interrupt controller of a POWER guest: `arch/powerpc/kvm/book3s_xive_native.c`, `kvmppc_xive_native_mmap`,
//! `xive_native_tima_fault` and `xive_native_esb_fault`.
//!
//! One file, two regions: the thread management area (TIMA), of whose four pages a guest may use one, and two pages
//! for each interrupt source, to trigger it and to end it (ESB).
//!
//! What C gets wrong: it ignores what `vmf_insert_pfn` answers and returns NOPAGE, so an access that cannot be served
//! is repeated for ever. It lets a private writable mapping pass, which the first insertion meets with a `BUG_ON`.
//! And it counts pages from the start of the VMA, which is another page once a munmap has cut the front off. Here the
//! insertion **is** the answer, such a mapping is EINVAL, and `pgoff` stays what it was.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, FrameSource, MaySleep, PageCount, PageOffset, PageRange, PfnMap, Platform, PrepareCtx,
    PrepareFile, Prepared, VmFault, VmOperations,
};

/// Where the TIMA begins (`KVM_XIVE_TIMA_PAGE_OFFSET`), and its pages: hardware, hypervisor, OS, user.
pub const TIMA: PageOffset = PageOffset::new(0);
/// How many pages the TIMA has.
pub const TIMA_PAGES: PageCount = PageCount::new(4);
/// Where the ESB pages begin (`KVM_XIVE_ESB_PAGE_OFFSET`): two for each source.
pub const ESB: PageOffset = PageOffset::new(4);

/// Where the pages of an interrupt source are in the device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// A store here triggers the interrupt.
    pub trigger: PageOffset,
    /// Its end, and its management.
    pub eoi: PageOffset,
}

/// The controller.
pub struct Controller<P: Platform> {
    bar: P::Iomem,
    tima_os: PageOffset,
    sources: Vec<Option<Source>>,
}

/// Which of the controller's memory belongs to a page offset.
enum Place {
    TimaOs(PageOffset),
    Esb(PageOffset),
}

impl<P: Platform> Controller<P> {
    fn look_up(&self, pgoff: PageOffset) -> Result<Place, Errno> {
        match pgoff.index() {
            // The pages of the hardware and of the hypervisor are not for guests.
            0 | 1 => Err(Errno::EPERM),
            2 => Ok(Place::TimaOs(self.tima_os)),
            // The user's page is not implemented.
            3 => Err(Errno::ENXIO),
            _ => {
                let page = pgoff.checked_since(ESB).ok_or(Errno::ENXIO)?.get();
                let source = self.sources.get(page / 2).copied().flatten().ok_or(Errno::ENXIO)?;
                Ok(Place::Esb(if page % 2 == 0 { source.trigger } else { source.eoi }))
            }
        }
    }
}

impl<P: Platform> VmOperations for Controller<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_prot_with(|fault| {
            let (at, prot) = match self.look_up(fault.pgoff())? {
                Place::TimaOs(at) => (at, fault.page_prot().noncached()),
                Place::Esb(at) => (at, fault.page_prot()),
            };
            Ok((self.bar.frame(at).ok_or(Errno::ENXIO)?, prot))
        })
    }
}

/// The device's file.
pub struct Xive<P: Platform> {
    controller: P::Ref<Controller<P>>,
}

impl<P: Platform> Xive<P> {
    /// A controller whose memory is `bar`. `tima_os` is the place of the TIMA's OS page in it; `sources` are the
    /// guest's interrupts by number, `None` where there is none.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(
        bar: P::Iomem,
        tima_os: PageOffset,
        sources: &[Option<Source>],
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        let mut table = Vec::new();
        table.try_reserve_exact(sources.len()).map_err(|_| Errno::ENOMEM)?;
        table.extend_from_slice(sources);
        Ok(Self { controller: P::share(Controller { bar, tima_os, sources: table }, may_sleep)? })
    }
}

impl<P: Platform> PrepareFile for Xive<P> {
    type Platform = P;
    type Ops = Controller<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let sources = self.controller.sources.len();
        let pages = match ctx.pgoff() {
            TIMA => TIMA_PAGES,
            ESB => PageCount::new(sources.saturating_mul(2)),
            _ => return Err(Errno::EINVAL),
        };
        if ctx.page_count() > pages {
            return Err(Errno::EINVAL);
        }
        ctx.io().writable().write_combine().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Controller<P>>, Errno> {
        Ok(self.controller.clone())
    }
}
