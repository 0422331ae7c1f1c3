//! What each driver's users do, and what must come of it: a file each.
//!
//! A scenario knows its device ([`devices`](crate::devices)) and the user's side ([`User`]), and nothing of the
//! platform: it is the same for a simulated machine, a kernel and a pager.

mod af_packet;
mod binder;
mod cache_disabled;
mod cfag12864b;
mod cramfs;
mod dax;
mod dev_mem;
mod dma_iommu;
mod drm;
mod drm_gem_shmem;
mod fb_defio;
mod firewire_iso;
mod gntalloc;
mod gntdev;
mod hooks;
mod ht16k33;
mod hugetlb;
mod i915;
mod kcov;
mod nonlinear;
mod nopage;
mod objects;
mod page_cache;
mod perf;
mod privcmd_buf;
mod relay;
mod remap_vmalloc;
mod rights;
mod rockchip_gem;
mod run;
mod sgx_vepc;
mod spufs;
mod states;
mod tcp_zerocopy;
mod ttm;
mod usbvision;
mod vfio_pci;
mod vgem;
mod videobuf2_dma_sg;
mod vvar;
mod xen_drm_front_gem;
mod xive;

use crate::{
    devices::{Device, for_each_device},
    user::User,
};

pub(crate) use run::Run;

macro_rules! scenarios {
    ($($device:ident $module:ident $context:literal $kind:literal $about:literal;)*) => {
        /// Runs a device's scenario.
        pub(crate) fn play<U: User>(device: Device, run: Run<'_, U>) {
            match device {
                $(Device::$device => $module::run(run),)*
            }
        }
    };
}

for_each_device!(scenarios);
