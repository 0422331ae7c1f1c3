//! Drivers that are wrong in their fault hooks.

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Kind, Mixed, Normal, PageOffset, PfnMap, Platform, UnlockedCtx, VmFault,
    VmOperations,
};
use vmctx_conformance::{
    Device,
    devices::{self, Own, Side},
};
use vmctx_drivers::{
    buffer::Buffer,
    cramfs::{Cramfs, Inode},
    vvar,
};
use vmctx_sim::{DeviceMemory, Machine, Sim};

use crate::wrong::{Ref, at_mmap, fails, pages, registers, share};

/// A driver of a few lines: a fault hook, and what it looks at.
struct InFault<T, M> {
    of: T,
    fault: for<'f> fn(&'f T, FaultCtx<'f, Sim, M>) -> VmFault<'f>,
}

impl<T, M> InFault<T, M> {
    fn new(of: T, fault: for<'f> fn(&'f T, FaultCtx<'f, Sim, M>) -> VmFault<'f>) -> Self {
        Self { of, fault }
    }
}

impl<T: Send + Sync + 'static, M: Kind> VmOperations for InFault<T, M> {
    type Platform = Sim;
    type Kind = M;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, M>) -> VmFault<'f> {
        (self.fault)(&self.of, ctx)
    }
}

#[test]
fn a_bar_that_is_cached_in_one_way_fails() {
    let machine = Machine::new();
    let bar = registers(&machine, devices::cache_disabled::PAGES);
    let side = Own(bar.clone());
    let driver = at_mmap(move |ctx| {
        let view = InFault::<_, PfnMap>::new(bar.clone(), |bar, ctx| match bar.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        });
        Ok(ctx.noncached().writable().establish(view)?.fill_later())
    });
    fails(&machine, Device::CacheDisabled, driver, side, "page 2 of region 1: Noncached, not WriteCombine");
}

/// A process in the first time namespace, whatever it asks for.
fn vvar_fails(
    fault: for<'f> fn(&'f DeviceMemory, FaultCtx<'f, Sim, PfnMap>, PageOffset) -> VmFault<'f>,
    because: &str,
) {
    struct Vvar(DeviceMemory, for<'f> fn(&'f DeviceMemory, FaultCtx<'f, Sim, PfnMap>, PageOffset) -> VmFault<'f>);
    impl VmOperations for Vvar {
        type Platform = Sim;
        type Kind = PfnMap;

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            match ctx.pgoff() {
                vvar::CLOCKS => (self.1)(&self.0, ctx, devices::vvar::NAMESPACES[0]),
                vvar::TIMENS => (self.1)(&self.0, ctx, devices::vvar::LAYOUT.clocks),
                _ => ctx.fail(Errno::ENXIO),
            }
        }
    }
    struct Willing(Own<Sim>);
    impl Side<Sim> for Willing {
        fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
            self.0.read(offset, into)
        }

        fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
            self.0.write(offset, from)
        }

        fn control(&self, _: &mut UnlockedCtx<'_, Sim>, _: u32, _: u64) -> Result<u64, Errno> {
            Ok(0)
        }
    }
    let machine = Machine::new();
    let memory = registers(&machine, devices::vvar::PAGES);
    let side = Willing(Own(memory.clone()));
    let driver = at_mmap(move |ctx| Ok(ctx.read_only()?.establish(Vvar(memory.clone(), fault))?.fill_later()));
    fails(&machine, Device::Vvar, driver, side, because);
}

#[test]
fn a_vdso_that_brings_its_slots_one_by_one_fails() {
    vvar_fails(|memory, ctx, shown| ctx.insert_pfn(memory.frame(shown).unwrap()), "faults for two slots: 2, not 1");
}

#[test]
fn a_vdso_that_brings_the_same_page_for_both_slots_fails() {
    vvar_fails(
        |memory, mut ctx, shown| {
            let frame = memory.frame(shown).unwrap();
            ctx.prefault_pfn(vvar::TIMENS, frame);
            ctx.insert_pfn(frame)
        },
        "the clocks after it: byte 0 is",
    );
}

#[test]
fn an_image_that_shows_what_lies_behind_a_file_fails() {
    let machine = Machine::new();
    let image = registers(&machine, devices::cramfs::PAGES);
    // Wrong: the file is said to fill its last page.
    let blocks = devices::cramfs::blocks::<Sim>().unwrap();
    let size = blocks.len() * Sim::PAGE_SIZE;
    let inode = Inode::new(machine.clone(), image.clone(), blocks, size, machine.may_sleep()).unwrap();
    let driver = Cramfs::<Sim>::new(share(&machine, inode));
    fails(&machine, Device::Cramfs, driver, Own(image), "the last page of the file: byte 100 is");
}

/// A ring buffer with these hooks.
fn perf_fails<V: VmOperations<Platform = Sim>>(view: fn(Ref<Buffer<Sim>>) -> V, because: &str)
where
    V::Kind: vmctx::kind::FilledLater,
{
    let machine = Machine::new();
    let (ring, side) = pages(&machine, 1 + devices::perf::DATA);
    let driver = at_mmap(move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != ring.page_count() {
            return Err(Errno::EINVAL);
        }
        Ok(ctx.shared_only()?.dont_copy().writable().establish(view(ring.clone()))?.fill_later())
    });
    fails(&machine, Device::Perf, driver, side, because);
}

fn deliver<'f>(ring: &Ref<Buffer<Sim>>, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
    match ring.page(ctx.pgoff()) {
        Some(page) => ctx.deliver(page.clone()),
        None => ctx.fail(Errno::ENXIO),
    }
}

#[test]
fn a_ring_buffer_whose_data_can_be_written_fails() {
    perf_fails(|of| InFault::new(of, deliver), "a store to data page 1: a success, not SIGBUS at 0x");
}

#[test]
fn a_ring_buffer_that_can_be_cut_fails() {
    perf_fails(|of| InFault::new(of, deliver), "munmap of 1 pages from 0 on: a success, not EINVAL");
}

#[test]
fn a_ring_buffer_that_asks_only_those_who_load_first_fails() {
    struct Ring(Ref<Buffer<Sim>>);
    impl VmOperations for Ring {
        type Platform = Sim;
        type Kind = Normal;
        const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(|_, ctx| ctx.allow());

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
            if ctx.is_write() && ctx.pgoff() != PageOffset::ZERO {
                return ctx.fail(Errno::EACCES);
            }
            deliver(&self.0, ctx)
        }
    }
    perf_fails(Ring, "a store to data page 1: a success, not SIGBUS at 0x");
}

#[test]
fn an_importer_that_maps_what_is_not_its_own_by_faults_fails() {
    let machine = Machine::new();
    let (imported, side) = pages(&machine, devices::drm_gem_shmem::IMPORTED);
    let driver = at_mmap(move |ctx| {
        let view = InFault::<_, Mixed>::new(imported.clone(), |pages, ctx| match pages.page(ctx.pgoff()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        });
        Ok(ctx.writable().establish(view)?.fill_later())
    });
    fails(&machine, Device::DrmGemShmem, driver, side, "faults of a mapping that mmap has filled: ");
}
