//! The devices that every platform opens: how large they are and what is in them, the same everywhere.
//!
//! One file each. A platform brings its memory ([`Host`]) and gets the device back, open ([`Opened`]): the driver's
//! file, and the device's side of it. A program that knows these files then knows every byte that a mapping has to
//! show.
//!
//! A new device is a line in `for_each_device` below, a file here, and a scenario.

pub mod af_packet;
pub mod binder;
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
pub mod hooks;
mod host;
pub mod ht16k33;
pub mod hugetlb;
pub mod i915;
pub mod kcov;
pub mod nonlinear;
pub mod nopage;
pub mod objects;
pub mod page_cache;
pub mod perf;
pub mod privcmd_buf;
pub mod relay;
pub mod remap_vmalloc;
pub mod rights;
pub mod rockchip_gem;
pub mod sgx_vepc;
pub mod spufs;
pub mod states;
pub mod tcp_zerocopy;
pub mod ttm;
pub mod usbvision;
pub mod vfio_pci;
pub mod vgem;
pub mod videobuf2_dma_sg;
pub mod vvar;
pub mod xen_drm_front_gem;
pub mod xive;

use core::fmt;

use vmctx::Errno;

pub use host::*;

/// Calls a macro with a line for each device: its variant, its module, and what the table says of its driver.
macro_rules! for_each_device {
    ($with:ident) => {
        $with! {
            Kcov kcov "prepare" "Mixed" "code coverage area: mapped whole, or not at all";
            Cfag12864b cfag12864b "prepare" "Mixed" "frame buffer of one page, whatever the offset";
            Ht16k33 ht16k33 "prepare" "Mixed" "LED matrix: what changes in the page is sent";
            RockchipGem rockchip_gem "prepare" "Mixed" "graphics buffer, mapped from an offset on";
            XenDrmFrontGem xen_drm_front_gem "fault" "Mixed" "graphics buffers shared with another domain: they outlive handles";
            FirewireIso firewire_iso "mmap" "Mixed" "packet buffer that mmap allocates: read-only where the device writes";
            DmaIommu dma_iommu "prepare" "Mixed, Remapped" "memory for DMA: pages or frames, cached as the device sees it";
            Videobuf2DmaSg videobuf2_dma_sg "fault" "Mixed" "video buffers found by a cookie: not freed while they are mapped";
            Usbvision usbvision "fault" "Mixed" "frames of a video grabber: one at a time, also after it is unplugged";
            Gntalloc gntalloc "fault" "Mixed" "pages granted to another domain: freed with the last user";
            Gntdev gntdev "mmap" "Mixed" "pages of another domain: not copied, not cut, a byte cleared at the end";
            PrivcmdBuf privcmd_buf "mmap" "Mixed" "hypercall buffers: allocated by mmap, found by address";
            RemapVmalloc remap_vmalloc "prepare, fault" "Mixed" "vmalloc areas: whole for a frame buffer, in part for a crash dump";
            AfPacket af_packet "fault" "Mixed" "packet rings in one mapping: frames go to and fro by their status";
            Vgem vgem "prepare, fault" "Mixed" "graphics buffers, filled by mmap or by faults with fault-around";
            Dax dax "fault, huge_fault, pfn_mkwrite, map_pages" "Mixed" "file in persistent memory: blocks, holes, huge entries";
            Relay relay "fault" "Normal" "relay channel: the fault hands its page back";
            Xive xive "fault" "PfnMap" "interrupt controller: registers by frame number, some forbidden";
            DevMem dev_mem "prepare, access" "Remapped" "physical memory: RAM, registers, holes";
            Spufs spufs "fault" "PfnMap" "local store of a processor: its memory, or pages while it is saved";
            TcpZerocopy tcp_zerocopy "mapped" "Mixed" "received data: a request maps whole pages, the rest is copied";
            Binder binder "mapped" "Mixed" "messages: pages inserted for the receiver, and shrunk";
            Nopage nopage "fault" "Normal" "file that hands its pages back, and is truncated meanwhile";
            Nonlinear nonlinear "fault" "Mixed" "nonlinear window onto a file, remapped while it is read";
            CacheDisabled cache_disabled "fault" "PfnMap" "BAR with regions that are cached differently";
            Vvar vvar "fault" "PfnMap" "clocks of the vDSO: two slots in one fault, and slots that are not there";
            I915 i915 "fault, access" "PfnMap" "graphics objects through an aperture that is smaller than they are";
            VfioPci vfio_pci "fault, huge_fault" "PfnMap" "BARs of a PCI device: huge entries, revoked under their users";
            SgxVepc sgx_vepc "fault" "PfnMap" "enclave memory: faults wait for the reclaimer, without the lock";
            Drm drm "fault" "PfnMap" "graphics objects that migrate between RAM, aperture and video memory";
            FbDefio fb_defio "fault, page_mkwrite" "Normal" "frame buffer: stores are noted, and shown when it is flushed";
            Ttm ttm "fault" "PfnMap" "graphics object that migrates; faults that wait without their lock";
            DrmGemShmem drm_gem_shmem "mmap, fault" "Mixed" "graphics objects of its own, and such as another driver maps";
            Cramfs cramfs "mmap, fault" "Remapped, Mixed" "compressed file: the kind by what lies in place";
            Perf perf "fault, page_mkwrite" "Normal" "ring buffer: object by offset, and only its first page can be written";
            Hugetlb hugetlb "fault, huge_fault" "PfnMap" "large pages of two nodes, zeroed on demand, reserved at mmap";
            PageCache page_cache "fault, page_mkwrite" "Mixed" "probe: a page cache whose pages are taken away under load";
            Hooks hooks "mmap, fault, map_pages, mkwrite, mapped" "Mixed" "probe: what hooks are told and wait for, and what is done between them";
            Objects objects "fault, mapped" "Mixed" "probe: what it reaches that memory is taken back from its users";
            States states "mmap, fault" "Mixed" "probe: states from open to close, mmaps that fail, what may not be mapped";
            Rights rights "mmap, fault, map_pages, mkwrite, mapped" "all" "probe: what mprotect, fork, moves and debuggers make of each way to insert";
        }
    };
}
#[cfg(feature = "std")]
pub(crate) use for_each_device;

macro_rules! devices {
    ($($device:ident $module:ident $context:literal $kind:literal $about:literal;)*) => {
        /// A device, with its driver.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "named after the modules of their drivers")]
        #[non_exhaustive]
        pub enum Device {
            $($device,)*
        }

        impl Device {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$device),*];

            /// The name of its driver's module.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$device => stringify!($module),)*
                }
            }

            /// The contexts in which its driver maps memory, by the names of their hooks.
            #[must_use]
            pub const fn context(self) -> &'static str {
                match self {
                    $(Self::$device => $context,)*
                }
            }

            /// The kinds of its mappings.
            #[must_use]
            pub const fn kind(self) -> &'static str {
                match self {
                    $(Self::$device => $kind,)*
                }
            }

            /// What it is, in a line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$device => $about,)*
                }
            }

            /// Opens one, on whatever platform the host is of.
            ///
            /// # Errors
            /// ENOMEM, or what the host is short of.
            pub fn open<H: Host>(self, host: &H) -> Result<Opened<H::Platform>, Errno> {
                match self {
                    $(Self::$device => $module::open(host),)*
                }
            }
        }

    };
}

for_each_device!(devices);

impl Device {
    /// The device of this number, in the order of [`ALL`](Self::ALL).
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// The device of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|device| device.name() == name)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
