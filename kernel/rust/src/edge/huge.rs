//! Large entries.

use vmctx::{
    Errno, EstablishedCtx, FaultCtx, FrameSource, Hooks, HugeFaultCtx, HugeSize, Kind, Mapped, Mixed, MmapCtx,
    MmapFile, PageOffset, PfnMap, PfnMkwriteCtx, Platform, SharedObject, UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_linux::{Linux, LinuxIomem, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Last, Steered, Steering, range},
};

/// Two large entries.
const PAGES: usize = 2 * HugeSize::Pmd.page_count(Linux::PAGE_SHIFT).get();

struct Object<M> {
    memory: LinuxIomem,
    mappings: SharedObject<Linux>,
    last: Last<M>,
    faults: Count,
    stores: Count,
    asked: [Count; 2],
}

impl<M: Kind> Object<M> {
    fn new(kernel: &Kernel<'_>) -> Result<LinuxRef<Self>, Errno> {
        let object = Self {
            memory: devices::registers(kernel, PAGES)?,
            mappings: SharedObject::new(kernel.may_sleep())?,
            last: Last::new(kernel.may_sleep())?,
            faults: Count::default(),
            stores: Count::default(),
            asked: Default::default(),
        };
        Linux::share(object, kernel.may_sleep())
    }

    fn count_asked(&self, size: HugeSize) {
        let [pmd, pud] = &self.asked;
        match size {
            HugeSize::Pmd => pmd.one_more(),
            HugeSize::Pud => pud.one_more(),
        }
    }
}

impl Steered for Object<PfnMap> {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != requests::INSERT {
            return self.asked(ctx, request, argument);
        }
        let (first, _) = range(argument)?;
        let last = self.last.get(ctx.may_sleep())?;
        let mapping = last.lock(ctx)?;
        // It is a mapping of one of the two files.
        insert::<false>(&mapping, first).or_else(|| insert::<true>(&mapping, first)).unwrap_or(Err(Errno::EIO))
    }
}

/// Inserts the frame of one page, if the mapping is of this file.
fn insert<const TOLD: bool>(mapping: &EstablishedCtx<'_, Linux, PfnMap>, at: PageOffset) -> Option<Result<u64, Errno>> {
    mapping.with_state(|shown: &Shown<PfnMap, TOLD>, slots| {
        slots.insert_pfn(at, shown.0.memory.frame(at).ok_or(Errno::ENXIO)?).map(|()| 1)
    })
}

impl Steered for Object<Mixed> {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        self.asked(ctx, request, argument)
    }
}

impl<M: Kind> Object<M> {
    fn asked(&self, ctx: &UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            requests::FAULTS => Ok(self.faults.get()),
            requests::STORES => Ok(self.stores.get()),
            requests::HUGE => {
                let [pmd, pud] = &self.asked;
                Ok(if argument == 0 { pmd.get() } else { pud.get() })
            }
            requests::UNMAP => {
                let (first, count) = range(argument)?;
                self.mappings.unmap_once(first, count, ctx.may_sleep());
                Ok(0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}

/// The open file. `TOLD`: stores are told to `pfn_mkwrite`.
struct File<M, const TOLD: bool>(LinuxRef<Object<M>>);

struct Shown<M, const TOLD: bool>(LinuxRef<Object<M>>);

/// Frames.
pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::new(kernel)?;
    Ok(Opened::new(File::<PfnMap, false>(object.clone()), Steering(object)))
}

/// Frames to which stores are told.
pub(super) fn open_told(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::new(kernel)?;
    Ok(Opened::new(File::<PfnMap, true>(object.clone()), Steering(object)))
}

/// Frames of a mixed mapping.
pub(super) fn open_mixed(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::new(kernel)?;
    Ok(Opened::new(File::<Mixed, false>(object.clone()), Steering(object)))
}

impl<const TOLD: bool> MmapFile for File<PfnMap, TOLD> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable().establish(Shown::<_, TOLD>(self.0.clone()))?;
        self.0.last.is(&ctx)?;
        Ok(ctx.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }
}

impl MmapFile for File<Mixed, false> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Shown::<_, false>(self.0.clone()))?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }
}

impl<const TOLD: bool> VmOperations for Shown<PfnMap, TOLD> {
    type Platform = Linux;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = {
        let hooks = Hooks::NONE.huge_fault(Self::huge_fault);
        if TOLD { hooks.pfn_mkwrite(Self::pfn_mkwrite) } else { hooks }
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        self.0.faults.one_more();
        match self.0.memory.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl<const TOLD: bool> Shown<PfnMap, TOLD> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        self.0.count_asked(ctx.size());
        ctx.insert_huge_with(|_, entry| entry.of(&self.0.memory))
    }

    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        self.0.stores.one_more();
        ctx.allow()
    }
}

impl VmOperations for Shown<Mixed, false> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.faults.one_more();
        match self.0.memory.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_mixed(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl Shown<Mixed, false> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.count_asked(ctx.size());
        ctx.insert_huge_with(|_, entry| entry.of(&self.0.memory))
    }
}
