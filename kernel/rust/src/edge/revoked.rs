//! Device memory that is switched off while users have it mapped.

use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, MmapCtx, MmapFile, PageOffset, PfnMap, Platform, RwLock, SharedObject,
    UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_linux::{Linux, LinuxIomem, LinuxRef, LinuxRwLock};

use super::{
    requests,
    steering::{Kernel, Steered, Steering},
};

const PAGES: usize = 4;

struct Bar {
    memory: LinuxIomem,
    on: LinuxRwLock<bool>,
    mappings: SharedObject<Linux>,
}

pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let bar = Bar {
        memory: devices::registers(kernel, PAGES)?,
        on: LinuxRwLock::new(true, kernel.may_sleep())?,
        mappings: SharedObject::new(kernel.may_sleep())?,
    };
    let bar = Linux::share(bar, kernel.may_sleep())?;
    Ok(Opened::new(File(bar.clone()), Steering(bar)))
}

impl Steered for Bar {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != requests::SWITCH {
            return Err(Errno::ENOTTY);
        }
        let mut on = self.on.write(ctx.may_sleep());
        *on = argument != 0;
        if !*on {
            self.mappings.unmap_once(PageOffset::ZERO, self.memory.count(), ctx.may_sleep());
        }
        Ok(0)
    }
}

struct File(LinuxRef<Bar>);

impl MmapFile for File {
    type Platform = Linux;

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

impl VmOperations for Bar {
    type Platform = Linux;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        match self.memory.frame(ctx.pgoff()) {
            Some(frame) if *on => ctx.insert_pfn(frame),
            _ => ctx.fail(Errno::EIO),
        }
    }
}
