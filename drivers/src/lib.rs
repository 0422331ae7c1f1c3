//! Drivers from Linux's history, one file each, as they look when the context decides what a hook may do.
//!
//! Each is generic over its [`Platform`](vmctx::Platform), without `unsafe` and without std: the very same file is
//! linked into a kernel module, into a user-space pager and into the simulated machine. Its header names the C
//! original, and what C got wrong there or did by hand.
//!
//! | driver | filled by | kind |
//! | --- | --- | --- |
//! | [`kcov`] | a prepare hook's action | `Mixed` |
//! | [`cfag12864b`] | a prepare hook's action | `Mixed` |
//! | [`ht16k33`] | a prepare hook's action | `Mixed` |
//! | [`rockchip_gem`] | a prepare hook's action | `Mixed` |
//! | [`xen_drm_front_gem`] | fault | `Mixed` |
//! | [`firewire_iso`] | mmap | `Mixed` |
//! | [`dma_iommu`] | a prepare hook's action | `Mixed`, or `Remapped` where it is contiguous |
//! | [`videobuf2_dma_sg`] | fault | `Mixed` |
//! | [`usbvision`] | fault | `Mixed` |
//! | [`gntalloc`] | fault | `Mixed` |
//! | [`gntdev`] | mmap | `Mixed` |
//! | [`privcmd_buf`] | mmap | `Mixed` |
//! | [`remap_vmalloc`] | a prepare hook's action, or fault | `Mixed` |
//! | [`af_packet`] | fault | `Mixed` |
//! | [`vgem`] | a prepare hook's action or fault, as each object says | `Mixed` |
//! | [`dax`] | fault, huge fault, fault-around; told of stores | `Mixed` |
//! | [`relay`] | fault | `Normal` |
//! | [`xive`] | fault | `PfnMap` |
//! | [`dev_mem`] | a prepare hook's action; reached by debuggers | `Remapped` |
//! | [`spufs`] | fault | `PfnMap`, moved under its users |
//! | [`tcp_zerocopy`] | requests | `Mixed` |
//! | [`binder`] | requests, a shrinker | `Mixed` |
//! | [`nopage`] | fault | `Normal` |
//! | [`nonlinear`] | fault | `Mixed` |
//! | [`cache_disabled`] | fault | `PfnMap` |
//! | [`vvar`] | fault | `PfnMap` |
//! | [`i915`] | fault; reached by debuggers | `PfnMap` |
//! | [`vfio_pci`] | fault, huge fault | `PfnMap`, revoked under its users |
//! | [`sgx_vepc`] | fault, which waits without the lock | `PfnMap` |
//! | [`drm`] | fault, which moves what it cannot map | `PfnMap` |
//! | [`fb_defio`] | fault, told of stores | `Normal` |
//! | [`ttm`] | fault | `PfnMap` |
//! | [`drm_gem_shmem`] | its exporter, or fault | `Mixed` |
//! | [`cramfs`] | mmap, and fault for what is packed | `Remapped`, `Mixed` |
//! | [`perf`] | fault, told of stores | `Normal` |
//! | [`hugetlb`] | huge_fault, or fault | `PfnMap` |
//!
//! [`buffer`] is the memory that most of them map, [`users`] counts who has it mapped. The devices behind the drivers,
//! and the scenarios that map them, touch them and check every byte, are the crate `vmctx-conformance`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod af_packet;
pub mod binder;
pub mod buffer;
pub mod cache_disabled;
pub mod cfag12864b;
pub mod cramfs;
pub mod dax;
pub mod dev_mem;
pub mod dma_iommu;
pub mod drm;
pub mod drm_gem_shmem;
pub mod fb_defio;
pub mod firewire_iso;
pub mod gntalloc;
pub mod gntdev;
pub mod ht16k33;
pub mod hugetlb;
pub mod i915;
pub mod kcov;
pub mod nonlinear;
pub mod nopage;
pub mod perf;
pub mod privcmd_buf;
pub mod relay;
pub mod remap_vmalloc;
pub mod rockchip_gem;
pub mod sgx_vepc;
pub mod spufs;
pub mod tcp_zerocopy;
pub mod ttm;
pub mod usbvision;
pub mod users;
pub mod vfio_pci;
pub mod vgem;
pub mod videobuf2_dma_sg;
pub mod vvar;
pub mod xen_drm_front_gem;
pub mod xive;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
