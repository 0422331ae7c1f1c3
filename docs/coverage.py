#!/usr/bin/env python3
"""Writes coverage.md: which of Linux's insertion calls and fault handlers the tokens express.

What can be found by reading C as text is found: calls, the functions they stand in, the hooks that these are installed
as. What a person had to read stands in CALLS_READ and HANDLERS_READ. What no rule covers stops the script.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGE = "linux-source-6.12"
PAGE = Path(__file__).with_suffix(".md")

# ---- What C has, and what it is called here --------------------------------------------------------------------------

FAULT_HOOKS = ["fault", "huge_fault", "page_mkwrite", "pfn_mkwrite", "map_pages"]

# The token of each context.
TOKENS = {
    "mmap": "MmapCtx",
    "fault": "FaultCtx",
    "huge_fault": "HugeFaultCtx",
    "page_mkwrite": "PageMkwriteCtx",
    "pfn_mkwrite": "PfnMkwriteCtx",
    "map_pages": "MapPagesCtx",
    "ioctl, getsockopt": "EstablishedCtx",
    "exec": "",
}

# What a mmap hook calls, by operation, and what a prepare hook says instead.
PREPARED = {
    "remap_from_first": "the same, as its action",
    "remap_at_pgoff": "the same, as its action",
    "fill_at_pgoff": "the same, as its action",
    "fill_from_first": "the same, as its action",
    "insert_page": "`fill_at_pgoff` where the pages are a slice of the file's, else `by_faults`",
    "insert_pages": "`fill_at_pgoff` where the pages are a slice of the file's, else `by_faults`",
    "remap": "`by_faults`: an action is for the whole range",
    "insert_mixed": "`by_faults`: an action is for the whole range",
}

# The kind of mapping that a call makes, unless CALLS_READ says otherwise. A remap of the whole VMA makes it Remapped.
KINDS = {
    "vm_insert_page": "Mixed",
    "vm_insert_pages": "Mixed",
    "vm_map_pages": "Mixed",
    "vm_map_pages_zero": "Mixed",
    "vmf_insert_page": "Mixed",
    "vmf_insert_pfn": "PfnMap",
    "vmf_insert_pfn_prot": "PfnMap",
    "vmf_insert_pfn_pmd": "PfnMap",
    "vmf_insert_pfn_pud": "PfnMap",
    "vmf_insert_mixed": "Mixed",
    "vmf_insert_mixed_mkwrite": "Mixed",
    "remap_pfn_range": "PfnMap",
    "io_remap_pfn_range": "PfnMap",
    "vm_iomap_memory": "Remapped",
}

# (context, call) or (context, call, kind), and the operation.
OPERATIONS = {
    ("mmap", "vm_insert_page"): "insert_page",
    ("mmap", "vm_insert_pages"): "insert_pages",
    ("mmap", "vm_map_pages"): "fill_at_pgoff",
    ("mmap", "vm_map_pages_zero"): "fill_from_first",
    ("mmap", "vmf_insert_mixed"): "insert_mixed",
    ("mmap", "remap_pfn_range", "Remapped"): "remap_from_first",
    ("mmap", "remap_pfn_range", "PfnMap"): "remap",
    ("mmap", "io_remap_pfn_range", "Remapped"): "remap_from_first",
    ("mmap", "io_remap_pfn_range", "PfnMap"): "remap",
    ("mmap", "vm_iomap_memory"): "remap_at_pgoff",
    ("fault", "vmf_insert_page"): "insert_page",
    ("fault", "vmf_insert_pfn"): "insert_pfn",
    ("fault", "vmf_insert_pfn_prot"): "insert_pfn_prot",
    ("fault", "vmf_insert_mixed"): "insert_mixed",
    ("fault", "vmf_insert_mixed_mkwrite"): "insert_mixed_mkwrite",
    ("huge_fault", "vmf_insert_pfn_pmd"): "insert_huge_with",
    ("huge_fault", "vmf_insert_pfn_pud"): "insert_huge_with",
    ("ioctl, getsockopt", "vm_insert_page"): "insert_page",
    ("ioctl, getsockopt", "vm_insert_pages"): "insert_pages",
}

CONVERTERS = {"vmf_error", "vmf_fs_error"}
OWN = "the insertion's own"

# Hook, what its handler answers in C, and here. `page` is 0 with `vmf->page` set, `insertion` what a vmf_insert_* says,
# `hands on` another handler's answer.
ANSWERS = {
    "fault": {
        "page": "deliver",
        "insertion": OWN,
        "NOPAGE": "fail_or_refault, refault",
        "LOCKED": "lock_page, deliver_locked",
        "MAJOR": "account_major",
        "SIGBUS": "fail",
        "OOM": "fail",
        "HWPOISON": "fail",
        "RETRY": "release, retry",
        "vmf_error": "fail",
        "vmf_fs_error": "fail_or_refault, fail",
        "hands on": "Wraps",
    },
    "huge_fault": {
        "insertion": OWN,
        "NOPAGE": "fail_or_refault, refault",
        "FALLBACK": "fallback",
        "SIGBUS": "fail",
        "OOM": "fail",
        "vmf_error": "fail",
    },
    "page_mkwrite": {
        "0": "allow",
        "LOCKED": "lock_page, allow",
        "NOPAGE": "fail_or_refault, refault",
        "MAJOR": "account_major",
        "RETRY": "fail_or_refault",
        "SIGBUS": "fail",
        "OOM": "fail",
        "vmf_error": "fail",
        "vmf_fs_error": "lock_page, allow, fail_or_refault, fail",
        "hands on": "Wraps",
    },
    "pfn_mkwrite": {
        "0": "allow",
        "insertion": OWN,
        "NOPAGE": "fail_or_refault, refault",
        "MAJOR": "account_major",
        "SIGBUS": "fail",
        "OOM": "fail",
        "vmf_error": "fail",
    },
    "map_pages": {
        "0": "finish",
        "NOPAGE": "finish",
    },
}

# ---- What cannot be expressed ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Missing:
    """A reason. Once there is an operation, name it (or give "" if one does that was there before): what lacked nothing
    else is then expressed."""

    name: str
    why: str
    operation: str | None = None


BOTH = Missing(
    "both flags in one VMA",
    "left out for good. `mmap_vmcore` sets `VM_MIXEDMAP`, because it inserts pages of vmalloc memory, and remaps "
    "frames of the old kernel beside them. Frame by frame, `insert_mixed` would do it in a `Mixed` mapping",
)
EXEC = Missing(
    "a mapping made by exec",
    "no hook runs: the kernel makes the VMA itself while it starts a program, and fills it at once. (Other "
    "architectures leave it to a fault hook, and that is expressed)",
)
ENCRYPTION = Missing(
    "`pgprot_decrypted`",
    "no operation sets the attribute of memory that is shared with a device or a hypervisor where all other memory is "
    "encrypted. Not counted where `io_remap_pfn_range` follows, which sets it for device memory. Without memory "
    "encryption it is nothing",
    operation="decrypted",
)
ARCHITECTURE = Missing(
    "protection bits of one architecture",
    "there are `noncached` and `write_combine`, but not: write-through (controlfb), the dirty bit set beforehand "
    "(vas), a frame smaller than a page (`remap_4k_pfn`), a mask of bits for each piece (atyfb)",
)
HOLES = Missing(
    "a hole between two pieces",
    "slots are filled in order, and none can be left out: frame buffers of several parts with nothing in between",
)
PREFAULT_PROT = Missing(
    "a neighbour with its own protection",
    "`prefault_pfn` takes none, and TTM's is not the VMA's. The page of the fault itself is `insert_pfn_prot`",
    operation="prefault_pfn_prot",
)
ZERO_PAGE = Missing(
    "the zero page in a writable shared mapping",
    "`insert_zero_page` refuses it. Linux allows it in file systems that have `pfn_mkwrite`, for a hole in the file",
    operation="",
)
SIGSEGV = Missing("`VM_FAULT_SIGSEGV`", "`fail` has no errno for it: an access to what is missing is SIGBUS")
DONE_COW = Missing(
    "`VM_FAULT_DONE_COW`",
    "left out for good. For a store to a private mapping the handler copies a block into the page that the kernel has "
    "ready, and installs that. All other answers of these handlers are expressed",
)
MKWRITE_INSERTS = Missing(
    "an insertion in `page_mkwrite`",
    "`PageMkwriteCtx` inserts nothing. The same functions are expressed as `pfn_mkwrite`",
    operation="insert_mixed_mkwrite",
)

# Hook and answer in C for which ANSWERS has none.
UNANSWERED = {
    ("fault", "DONE_COW"): DONE_COW,
    ("fault", "SIGSEGV"): SIGSEGV,
    ("page_mkwrite", "insertion"): MKWRITE_INSERTS,
}

# Found in the text of a handler that serves several hooks, but never its answer in this one. DONE_COW answers a private
# mapping's store, which is always a `fault`; FALLBACK, what is larger than a page, and there MAJOR is not counted.
# NEEDDSYNC never reaches the core: fs/dax.c says it to a file system, which syncs and has it insert then.
NEVER = {
    "fault": {"NEEDDSYNC", "FALLBACK"},
    "huge_fault": {"NEEDDSYNC", "DONE_COW", "MAJOR"},
    "page_mkwrite": {"NEEDDSYNC", "DONE_COW", "FALLBACK", "page"},
    "pfn_mkwrite": {"NEEDDSYNC", "DONE_COW", "FALLBACK", "page"},
    "map_pages": set(),
}

# ---- What was read by a person ---------------------------------------------------------------------------------------

# Mistakes of C that have no counterpart here; the page counts them.
IGNORED = "ignores the result and reports success"
BEYOND = "maps the buffer's length: a shorter VMA is filled past its end"
PROT_IN_FAULT = "writes `vm_page_prot` in a fault, under a lock held for read"
PAGE_SHARED = "passes `PAGE_SHARED`, which is writable, whatever the VMA allows"
RETRY_LOCKED = "answers RETRY and still holds the lock"
RETRY_MKWRITE = "answers RETRY in `page_mkwrite`, where it is taken for a success"
AS_NOPAGE = "answers an error of the insertion with NOPAGE"
OWN_RULE = "turns errnos into codes by a rule of its own"
REVERSED = "turns a fault's answer into an errno in a mmap hook"
REMAP_IN_FAULT = "`remap_pfn_range` in a fault, which changes the VMA's flags under a lock held for read"
MISTAKES = [
    *(OWN_RULE, REVERSED, IGNORED, AS_NOPAGE, RETRY_MKWRITE, RETRY_LOCKED),
    *(PROT_IN_FAULT, REMAP_IN_FAULT, PAGE_SHARED, BEYOND),
]


@dataclass
class Read:
    """What a person found out about a call. Empty: the script sees it."""

    note: str = ""
    context: str = ""
    kind: str = ""
    operation: str = ""
    missing: tuple = ()
    mistakes: tuple = ()


CHECKED = Read("the length is checked against the VMA's", kind="Remapped")
PIECES = Read("in pieces")
DEVICE = Read("`pgprot_device`: here `noncached`, which is stricter on arm and arm64")
DMA = Read("`dma_pgprot`: cached, `noncached` or `write_combine`, as the device has it")
DEVMAP = "the VMA has neither flag, which Linux allows for frames of `ZONE_DEVICE`"

# "file function", or "file function n" for its nth call.
CALLS_READ = {
    # Architectures.
    "arch/mips/kernel/vdso.c arch_setup_additional_pages": Read(
        "two pieces, of which one is not cached", context="exec", missing=(EXEC,)
    ),
    "arch/powerpc/include/asm/book3s/64/hash-64k.h hash__remap_4k_pfn": Read(
        "`remap_4k_pfn`, called by `bsr_mmap`", context="mmap", kind="Remapped", missing=(ARCHITECTURE,)
    ),
    "arch/powerpc/kernel/proc_powerpc.c page_map_mmap": Read(kind="Remapped", mistakes=(IGNORED,)),
    "arch/powerpc/kvm/book3s_xive_native.c xive_native_esb_fault": Read(mistakes=(IGNORED,)),
    "arch/powerpc/kvm/book3s_xive_native.c xive_native_tima_fault": Read(mistakes=(IGNORED,)),
    "arch/powerpc/platforms/book3s/vas-api.c coproc_mmap": Read(
        "PfnMap, because faults serve it after a zap", kind="PfnMap", missing=(ARCHITECTURE,)
    ),
    "arch/powerpc/platforms/book3s/vas-api.c vas_mmap_fault": Read("at `vm_start`: the VMA is one page"),
    "arch/powerpc/platforms/cell/spufs/file.c spufs_mem_mmap_fault": Read(
        operation="insert_pfn_prot", mistakes=(PROT_IN_FAULT,)
    ),
    "arch/powerpc/platforms/cell/spufs/file.c spufs_ps_fault": Read("retakes the lock: here `release`"),
    "arch/powerpc/platforms/powernv/opal-prd.c opal_prd_mmap": Read("`phys_mem_access_prot`: cached or `noncached`"),
    "arch/s390/kernel/crash_dump.c remap_oldmem_pfn_range_kdump": Read(context="mmap", missing=(BOTH,)),
    "arch/s390/kernel/crash_dump.c remap_oldmem_pfn_range_zfcpdump": Read(context="mmap", missing=(BOTH, HOLES)),
    "arch/s390/kernel/vdso.c vvar_fault 1": Read("another page of the VMA", operation="prefault_pfn"),
    "arch/x86/entry/vdso/vma.c vvar_fault 1": Read("another page of the VMA", operation="prefault_pfn"),
    "arch/x86/entry/vdso/vma.c vvar_fault 3": Read(missing=(ENCRYPTION,)),
    # Graphics and accelerators.
    "drivers/accel/habanalabs/gaudi/gaudi.c gaudi_mmap": CHECKED,
    "drivers/accel/habanalabs/gaudi2/gaudi2.c gaudi2_mmap": CHECKED,
    "drivers/accel/habanalabs/gaudi2/gaudi2.c gaudi2_block_mmap": CHECKED,
    "drivers/accel/qaic/qaic_data.c qaic_gem_object_mmap": PIECES,
    "drivers/gpu/drm/amd/amdkfd/kfd_chardev.c kfd_mmio_mmap": CHECKED,
    "drivers/gpu/drm/amd/amdkfd/kfd_doorbell.c kfd_doorbell_mmap": CHECKED,
    "drivers/gpu/drm/amd/amdkfd/kfd_process.c kfd_reserved_mem_mmap": CHECKED,
    "drivers/gpu/drm/gma500/fbdev.c psb_fbdev_vm_fault": Read(
        "the whole VMA", operation="prefault_mixed, insert_mixed", mistakes=(PROT_IN_FAULT,)
    ),
    "drivers/gpu/drm/omapdrm/omap_gem.c omap_gem_fault_2d": Read(
        "pages of the same tiles", operation="prefault_mixed, insert_mixed"
    ),
    "drivers/gpu/drm/ttm/ttm_bo_vm.c ttm_bo_vm_fault_reserved": Read(
        "and up to 15 neighbours; vmwgfx passes fewer rights where it is told of stores: here the mapping has them",
        missing=(PREFAULT_PROT, ENCRYPTION),
        mistakes=(AS_NOPAGE,),
    ),
    "drivers/gpu/drm/ttm/ttm_bo_vm.c ttm_bo_vm_dummy_page": Read(
        "the whole VMA, with the VMA's protection", operation="prefault_pfn, insert_pfn_prot"
    ),
    "drivers/gpu/drm/virtio/virtgpu_vram.c virtio_gpu_vram_mmap": Read("sets `VM_MIXEDMAP` too, which nothing needs"),
    "drivers/gpu/drm/xe/xe_oa.c xe_oa_mmap": Read("in pieces; private, and read-only for good"),
    # Frame buffers.
    "drivers/auxdisplay/cfag12864bfb.c cfag12864bfb_mmap": Read(missing=(ENCRYPTION,)),
    "drivers/auxdisplay/ht16k33.c ht16k33_mmap": Read(missing=(ENCRYPTION,)),
    "drivers/video/fbdev/aty/atyfb_base.c atyfb_mmap": Read("in pieces", missing=(HOLES, ARCHITECTURE)),
    "drivers/video/fbdev/controlfb.c controlfb_mmap": Read(
        "frame buffer write-through, registers not cached", missing=(ARCHITECTURE,)
    ),
    "drivers/video/fbdev/core/fb_io_fops.c fb_io_mmap": Read(
        "`pgprot_framebuffer`: cached, `noncached` or `write_combine`, as the architecture has it", context="mmap"
    ),
    "drivers/video/fbdev/gbefb.c gbefb_mmap": Read("in pieces", missing=(ENCRYPTION,)),
    "drivers/video/fbdev/sbuslib.c sbusfb_mmap_helper": Read("in pieces", context="mmap", missing=(HOLES,)),
    "drivers/video/fbdev/smscufx.c ufx_ops_mmap": Read("in pieces", mistakes=(PAGE_SHARED,)),
    "drivers/video/fbdev/udlfb.c dlfb_ops_mmap": Read("in pieces", mistakes=(PAGE_SHARED,)),
    # InfiniBand.
    "drivers/infiniband/core/ib_core_uverbs.c rdma_user_mmap_io": Read(
        "PfnMap, because faults serve it after the device is gone; the cache attribute is the driver's", kind="PfnMap"
    ),
    "drivers/infiniband/hw/hfi1/file_ops.c hfi1_file_mmap": CHECKED,
    "drivers/infiniband/hw/mthca/mthca_provider.c mthca_mmap_uar": CHECKED,
    "drivers/infiniband/hw/qib/qib_file_ops.c qib_mmap_mem": Read(kind="Remapped", mistakes=(BEYOND,)),
    "drivers/infiniband/hw/qib/qib_file_ops.c mmap_rcvegrbufs": Read("in pieces", mistakes=(BEYOND,)),
    "drivers/infiniband/hw/usnic/usnic_ib_verbs.c usnic_ib_mmap": CHECKED,
    # VFIO and PCI.
    "drivers/cdx/cdx.c cdx_mmap_resource": DEVICE,
    "drivers/pci/mmap.c pci_mmap_resource_range": DEVICE,
    "drivers/vfio/cdx/main.c vfio_cdx_mmap_mmio": DEVICE,
    "drivers/vfio/pci/nvgrace-gpu/main.c nvgrace_gpu_mmap": Read(kind="Remapped"),
    # Other drivers.
    "drivers/android/binder_alloc.c binder_install_single_page": Read(
        "the receiver's mapping, from the sender's ioctl", context="ioctl, getsockopt"
    ),
    "drivers/char/mem.c mmap_mem": Read("`phys_mem_access_prot`: cached or `noncached`"),
    "drivers/char/uv_mmtimer.c uv_mmtimer_mmap": CHECKED,
    "drivers/comedi/comedi_fops.c comedi_mmap": Read("in pieces", mistakes=(PAGE_SHARED,)),
    "drivers/dax/device.c __dev_dax_pte_fault": Read(DEVMAP),
    "drivers/dax/device.c __dev_dax_pmd_fault": Read(DEVMAP, kind="Mixed"),
    "drivers/dax/device.c __dev_dax_pud_fault": Read(DEVMAP, kind="Mixed"),
    "drivers/dma-buf/heaps/system_heap.c system_heap_mmap": PIECES,
    "drivers/dma/idxd/cdev.c idxd_cdev_mmap": CHECKED,
    "drivers/hwtracing/stm/core.c stm_char_mmap": Read(mistakes=(IGNORED,)),
    "drivers/media/pci/intel/ipu6/ipu6-dma.c ipu6_dma_mmap": Read("exported, and called by nobody", context="mmap"),
    "drivers/misc/sgi-gru/grumain.c gru_fault": Read(
        operation="prefault_pfn, insert_pfn", mistakes=(REMAP_IN_FAULT, IGNORED)
    ),
    "drivers/mtd/mtdchar.c mtdchar_mmap": Read("behind `if (0)`"),
    "drivers/sbus/char/flash.c flash_mmap": Read(kind="Remapped", mistakes=(BEYOND,)),
    "drivers/staging/media/atomisp/pci/hmm/hmm_bo.c hmm_bo_mmap": Read(
        "in pieces", context="mmap", mistakes=(PAGE_SHARED,)
    ),
    "drivers/uio/uio_hv_generic.c hv_uio_ring_mmap": Read(context="mmap"),
    # File systems.
    "fs/cramfs/inode.c cramfs_physmem_mmap 1": Read("whole by a comparison; may be private", kind="Remapped"),
    "fs/cramfs/inode.c cramfs_physmem_mmap 2": Read(
        "the first pages; `fill_later` leaves the rest to faults", mistakes=(REVERSED,)
    ),
    "fs/dax.c dax_load_hole": Read(operation="insert_zero_page", missing=(ZERO_PAGE,)),
    "fs/dax.c dax_fault_iter": Read(DEVMAP, kind="Mixed"),
    "fs/dax.c dax_insert_pfn_mkwrite": Read(DEVMAP, kind="Mixed"),
    "fs/proc/vmcore.c remap_oldmem_pfn_range": Read("in pieces", missing=(BOTH, ENCRYPTION)),
    "fs/proc/vmcore.c mmap_vmcore": Read("in pieces", missing=(BOTH,)),
    # Kernel, network, sound.
    "drivers/iommu/dma-iommu.c iommu_dma_mmap": DMA,
    "kernel/dma/direct.c dma_direct_mmap": Read(DMA.note, missing=(ENCRYPTION,)),
    "kernel/dma/ops_helpers.c dma_common_mmap": DMA,
    "kernel/trace/ring_buffer.c __rb_map_vma": Read(
        "the zero page among them", operation="insert_pages, insert_zero_page"
    ),
    "net/ipv4/tcp.c tcp_zerocopy_vm_insert_batch": Read(context="ioctl, getsockopt"),
    "net/ipv4/tcp.c tcp_zerocopy_vm_insert_batch_error": Read("again, after a `zap`", context="ioctl, getsockopt"),
}


@dataclass
class HandlerRead:
    """What a person found out about a handler: `never` is in its text, and not an answer of its."""

    note: str = ""
    never: tuple = ()
    answers: dict = field(default_factory=dict)
    mistakes: tuple = ()


RETRIES_MKWRITE = HandlerRead(mistakes=(RETRY_MKWRITE,))
BY_OWN_RULE = HandlerRead(mistakes=(OWN_RULE,))
NETFS = HandlerRead(mistakes=(OWN_RULE, RETRY_MKWRITE))
PFN_PAGE = "delivers a page into a PfnMap mapping: here it is its frame"
ONE_BY_ONE = HandlerRead("page by page: a large folio gets no huge entry")
WRITES_PTES = HandlerRead(
    "writes the page table itself: here `prefault_pfn` and `insert_pfn`", mistakes=(OWN_RULE,)
)
HUGE_HOLE = "a hole is the huge zero page: here `fallback`"

HANDLERS_READ = {
    "afs_page_mkwrite": NETFS,
    "cifs_page_mkwrite": NETFS,
    "exfat_page_mkwrite": RETRIES_MKWRITE,
    "nfs_vm_page_mkwrite": RETRIES_MKWRITE,
    "orangefs_page_mkwrite": RETRIES_MKWRITE,
    "v9fs_vm_page_mkwrite": NETFS,
    "cxl_mmap_fault": HandlerRead(PFN_PAGE, answers={"page": "insert_pfn"}, mistakes=(PROT_IN_FAULT,)),
    "cxlflash_mmap_fault": HandlerRead(
        PFN_PAGE,
        answers={"page": "insert_pfn_prot", "RETRY": "fail_or_refault"},
        mistakes=(PROT_IN_FAULT, RETRY_LOCKED),
    ),
    "rdma_umap_fault": HandlerRead(PFN_PAGE, answers={"page": "insert_pfn"}),
    "filemap_map_pages": ONE_BY_ONE,
    "afs_vm_map_pages": ONE_BY_ONE,
    "vm_fault_cpu": WRITES_PTES,
    "vm_fault_gtt": WRITES_PTES,
    "erofs_dax_huge_fault": HandlerRead(HUGE_HOLE),
    "ext4_dax_huge_fault": HandlerRead(HUGE_HOLE),
    "fuse_dax_huge_fault": HandlerRead(HUGE_HOLE),
    "xfs_filemap_huge_fault": HandlerRead(HUGE_HOLE, never=("page", "LOCKED", "RETRY", "vmf_fs_error")),
    "xfs_filemap_page_mkwrite": HandlerRead(never=("page", "RETRY")),
    "xfs_filemap_pfn_mkwrite": HandlerRead(never=("page", "RETRY", "LOCKED", "vmf_fs_error")),
    "vmw_bo_vm_mkwrite": HandlerRead("clears ALLOW_RETRY first", never=("RETRY",), mistakes=(OWN_RULE,)),
    "amdgpu_gem_fault": BY_OWN_RULE,
    "nouveau_ttm_fault": BY_OWN_RULE,
    "radeon_gem_fault": BY_OWN_RULE,
    "sgx_vepc_fault": BY_OWN_RULE,
    "sgx_vma_fault": BY_OWN_RULE,
    "ttm_bo_vm_fault": BY_OWN_RULE,
    "vas_mmap_fault": BY_OWN_RULE,
    "vm_fault_ttm": BY_OWN_RULE,
    "vmw_bo_vm_fault": BY_OWN_RULE,
    "xe_gem_fault": BY_OWN_RULE,
    "sel_mmap_policy_fault": HandlerRead(never=("0",)),
}

# Places that write page tables of a user without any call of the family.
RAW = {
    "arch/arm/kernel/efi.c": "firmware's own address space",
    "arch/arm64/kernel/efi.c": "firmware's own address space",
    "arch/riscv/kernel/efi.c": "firmware's own address space",
    "arch/x86/kernel/cpu/sgx/encl.c": "reads and clears the accessed bit",
    "arch/x86/xen/mmu_pv.c": "privcmd: frames of another domain, entered by the hypervisor",
    "drivers/gpu/drm/i915/gem/selftests/i915_gem_mman.c": "a test, looks whether entries are there",
    "drivers/gpu/drm/i915/i915_mm.c": "inserts frames in a fault",
    "drivers/xen/gntdev.c": "gives the hypervisor the addresses of entries",
    "drivers/xen/privcmd.c": "looks whether the range is empty",
    "drivers/xen/xlate_mmu.c": "privcmd: inserts frames of another domain",
}

# ---- Reading C -------------------------------------------------------------------------------------------------------

LEFT_OUT = ("mm/", "Documentation/", "scripts/", "tools/")
FILEMAP = "mm/filemap.c"  # handlers that file systems install
RELEVANT = [
    *("vm_insert_page", "vm_map_pages", "vmf_insert_", "remap_pfn_range", "vm_iomap_memory", "page_range("),
    *("vm_fault_t", "vm_operations_struct", "vm_special_mapping"),
]
NOT_CODE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+' | ^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*""",
    re.S | re.M | re.X,
)
BODY = re.compile(r"^\{|^\w[^\n;{}]*\)[ \t]*\{[ \t]*$", re.M)
NAME = re.compile(r"(?!__attribute__\b|__printf\b)\b(\w+)\s*\(")
CALL = re.compile(rf"\b({'|'.join(KINDS)})\s*\(")
RAW_CALL = re.compile(r"\bapply_to_(?:existing_)?page_range\s*\((?!\s*&init_mm\b)")
INSTALLED = re.compile(r"(?:\.|->)\s*(\w+)\s*=\s*&?(\w+)\s*[,;}]")
HANDS_ON = re.compile(rf"->(?:{'|'.join(FAULT_HOOKS)})\s*\(")


def blank(text):
    """Comments, strings and preprocessor lines become spaces: offsets and line numbers stay."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


@dataclass(eq=False)
class Function:
    file: str
    name: str
    line: int
    begin: int
    type: str
    body: str

    @cached_property
    def calls(self):
        return set(re.findall(r"\b(\w+)\s*\(", self.body))

    @property
    def is_static(self):
        return re.search(r"\bstatic\b", self.type)

    @property
    def is_fault_code(self):
        return re.search(r"\bvm_fault_t\b", self.type)


def functions(file, code):
    """A body begins at the left margin, or at the end of a line that begins there, and ends at the left margin."""
    end = 0
    for found in BODY.finditer(code):
        if found.start() < end:
            continue
        begin = code.index("{", found.start())
        head = max(code.rfind(";", 0, begin), code.rfind("\n}", 0, begin) + 1) + 1
        name = NAME.search(code, head, begin)
        end = code.find("\n}", begin)
        if name and end > 0:
            line = code.count("\n", 0, name.start()) + 1
            yield Function(file, name[1], line, begin, code[head : name.start()], code[begin:end])


class Tree:
    """What of a kernel has to do with mappings: functions, their callers, the hooks that they are installed as."""

    def __init__(self, root):
        makefile = (root / "Makefile").read_text()
        parts = [re.search(rf"^{part} = (\d+)$", makefile, re.M)[1] for part in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
        self.version = ".".join(parts)
        self.code, self.functions = {}, {}
        self.installed = defaultdict(set)  # of a name: (file, member)
        self.named, self.callers = defaultdict(list), defaultdict(list)
        for path in sorted(root.rglob("*.[ch]")):
            file = path.relative_to(root).as_posix()
            if not file.startswith(LEFT_OUT) or file == FILEMAP:
                self.read(file, path.read_text("latin-1"))

    def read(self, file, text):
        if any(word in text for word in RELEVANT):
            text = self.code[file] = blank(text)
            self.functions[file] = list(functions(file, text))
            for function in self.functions[file]:
                self.named[function.name].append(function)
                for name in function.calls:
                    self.callers[name].append(function)
        if "mmap" in text or file in self.code:
            for member, name in INSTALLED.findall(text):
                self.installed[name].add((file, member))

    def outside_mm(self, pattern):
        """Every match inside a function outside mm/, with its function and line."""
        for file, code in self.code.items():
            for found in pattern.finditer(code) if file != FILEMAP else ():
                for function in self.functions[file]:
                    if function.begin <= found.start() < function.begin + len(function.body):
                        yield found, function, code.count("\n", 0, found.start()) + 1

    def is_meant(self, function, caller):
        """Whether a call of this name in `caller` is a call of this function."""
        own = any(other.file == caller.file for other in self.named[function.name])
        return function.file == caller.file or not function.is_static and not own

    def contexts(self, function, seen=()):
        """The hooks through which a function is reached: its own, and those of its callers."""
        reached = set()
        for file, member in self.installed[function.name]:
            if file == function.file or not function.is_static:
                reached |= {"mmap"} if "mmap" in member else {member} & set(FAULT_HOOKS)
        for caller in self.callers[function.name]:
            if caller not in (function, *seen) and self.is_meant(function, caller):
                reached |= self.contexts(caller, (function, *seen))
        return reached

    def handlers(self):
        """Function, hook, and how often it is installed so. What else is named `fault` does not return a vm_fault_t."""
        installed = Counter()
        for file, code in self.code.items():
            for hook, name in INSTALLED.findall(code) if file != FILEMAP else ():
                named = [function for function in self.named[name] if function.is_fault_code]
                if hook in FAULT_HOOKS and named:
                    installed[min(named, key=lambda function: function.file != file), hook] += 1
        return sorted(installed.items(), key=lambda item: (item[0][0].file, item[0][0].line))

    def answers(self, handler):
        """What is in the text of a handler, and of the functions that it calls, that has to do with its answer."""
        todo, seen, answers = [handler], set(), set()
        while todo:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            answers |= set(re.findall(r"\bVM_FAULT_(\w+)", function.body)) - {"ERROR"}
            answers |= CONVERTERS & function.calls
            answers |= {"insertion"} if KINDS.keys() & function.calls else set()
            answers |= {"page"} if re.search(r"\bvmf->page\s*=[^=]", function.body) else set()
            answers |= {"hands on"} if HANDS_ON.search(function.body) else set()
            for callee in (callee for name in function.calls - KINDS.keys() for callee in self.named[name]):
                speaks = callee.is_fault_code or callee.file == function.file and "VM_FAULT_" in callee.body
                if speaks and self.is_meant(callee, function):
                    todo.append(callee)
        return answers


# ---- Judging ---------------------------------------------------------------------------------------------------------


@dataclass
class Call:
    where: str
    function: str
    name: str
    context: str
    kind: str
    operation: str
    missing: tuple
    mistakes: tuple
    note: str


@dataclass
class Handler:
    where: str
    function: str
    hook: str
    installed: int
    codes: list
    answers: list
    missing: tuple
    mistakes: tuple
    note: str


def arguments(code, begin):
    """The arguments of a call, from behind its opening parenthesis."""
    depth, parts = 0, [""]
    for char in code[begin:]:
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return [" ".join(part.split()) for part in parts]
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char


def is_whole(address, size, body):
    """Whether a remap is seen to cover the VMA: from vm_start, and vm_end - vm_start or vma_pages long."""

    def is_or_becomes(value, wanted):
        return re.fullmatch(wanted, value) or re.search(rf"\b{re.escape(value)}\s*=\s*{wanted}\s*[;,]", body)

    length = is_or_becomes(size, r"\(?\w+->vm_end\s*-\s*\w+->vm_start\)?")
    pages = is_or_becomes(size.removesuffix(" << PAGE_SHIFT"), r"vma_pages\(\w+\)")
    return is_or_becomes(address, r"\w+->vm_start") and (length or size.endswith(" << PAGE_SHIFT") and pages)


def calls(tree):
    counted = Counter()
    for found, function, line in tree.outside_mm(CALL):
        if function.name in KINDS:  # a definition
            continue
        name, key = found[1], f"{function.file} {function.name}"
        counted[key] += 1
        read = CALLS_READ.get(f"{key} {counted[key]}") or CALLS_READ.get(key)
        contexts = {read.context} if read and read.context else tree.contexts(function)
        if len(contexts) > 1 and contexts <= set(FAULT_HOOKS):  # one function for several hooks
            contexts = {"huge_fault" if name.endswith(("_pmd", "_pud")) else "fault"}
        if len(contexts) != 1:
            sys.exit(f"{key}: in which context does it call {name}?")
        (context,) = contexts
        kind = read and read.kind or KINDS[name]
        if context == "mmap" and kind == "PfnMap" and not (read and read.kind):
            _, address, _, size, *_ = arguments(tree.code[function.file], found.end())
            if is_whole(address, size, function.body):
                kind = "Remapped"
            elif not read:
                sys.exit(f"{key}: does it remap the whole VMA?")
        read = read or Read()
        operation = read.operation or OPERATIONS.get((context, name)) or OPERATIONS.get((context, name, kind))
        operations = [operation, *(missing.operation for missing in read.missing)]
        missing = tuple(missing for missing in read.missing if missing.operation is None)
        if not operation and not missing:
            sys.exit(f"{key}: which operation is {name} in {context}?")
        where = f"{function.file}:{line}"
        operation = ", ".join(filter(None, operations))
        yield Call(where, function.name, name, context, kind, operation, missing, read.mistakes, read.note)


def handlers(tree):
    for (function, hook), installed in tree.handlers():
        read = HANDLERS_READ.get(function.name) or HandlerRead()
        rules = ANSWERS[hook] | read.answers
        codes = tree.answers(function) - NEVER[hook]
        if hook not in ("fault", "huge_fault") and not codes & {"LOCKED", "vmf_fs_error", "hands on", "insertion"}:
            codes |= {"0"}
        codes -= set(read.never)
        rules |= {code: missing.operation for (at, code), missing in UNANSWERED.items() if at == hook}
        if unknown := codes - rules.keys():
            sys.exit(f"{function.name}: what does it answer as {hook} in place of {sorted(unknown)}?")
        codes = [code for code in rules if code in codes]
        answers = list(dict.fromkeys(answer for code in codes if rules[code] for answer in rules[code].split(", ")))
        missing = tuple(UNANSWERED[hook, code] for code in codes if rules[code] is None)
        where = f"{function.file}:{function.line}"
        yield Handler(where, function.name, hook, installed, codes, answers, missing, read.mistakes, read.note)


# ---- The page --------------------------------------------------------------------------------------------------------

SUBSYSTEMS = [
    ("Architectures", ("arch/",)),
    ("Graphics and accelerators", ("drivers/gpu/", "drivers/accel/")),
    ("Frame buffers and displays", ("drivers/video/", "drivers/auxdisplay/")),
    ("InfiniBand", ("drivers/infiniband/",)),
    ("PCI, VFIO and UIO", ("drivers/pci/", "drivers/vfio/", "drivers/cdx/", "drivers/uio/", "drivers/vhost/")),
    ("DMA", ("kernel/dma/", "drivers/iommu/", "drivers/dma-buf/", "drivers/dma/")),
    ("File systems and DAX", ("fs/", "drivers/dax/")),
    ("Sound", ("sound/",)),
    ("Other drivers", ("drivers/",)),
    ("Kernel, network, security", ("",)),
]


def prose(text):
    return textwrap.fill(" ".join(text.split()), 120, break_on_hyphens=False, break_long_words=False)


def table(head, rows):
    """A Markdown table; a column whose head ends with a colon holds figures."""
    rule = ["---:" if name.endswith(":") else "---" for name in head]
    lines = [[name.removesuffix(":") for name in head], rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def code(names):
    return ", ".join(name if name in ("", OWN) else f"`{name}`" for name in names)


def note(entry):
    return "; ".join(part for part in (entry.note, *entry.mistakes) if part)


def lacks(entry):
    return "**none**: " + ", ".join(missing.name for missing in entry.missing)


def expressed(entries):
    return sum(not entry.missing for entry in entries)


def group(entries, member):
    """The entries by a member, in the order of TOKENS, and all of them."""
    for name, token in TOKENS.items():
        if some := [entry for entry in entries if getattr(entry, member) == name]:
            yield name, code([token]) or "none", some
    yield "all", "", entries


def totals_of_calls(calls):
    for name, token, some in group(calls, "context"):
        kinds = Counter(call.kind for call in some)
        yield [name, token, len(some), kinds["Mixed"], kinds["PfnMap"], kinds["Remapped"], expressed(some)]


def as_prepared(calls):
    """The calls of mmap hooks that are expressed, by their operation."""
    in_mmap = [call.operation.split(",")[0] for call in calls if call.context == "mmap" and not call.missing]
    if unknown := set(in_mmap) - set(PREPARED):
        sys.exit(f"what does a prepare hook say instead of {unknown}?")
    for operation, count in Counter(in_mmap).most_common():
        yield [code([operation]), count, PREPARED[operation]]


def totals_of_handlers(handlers):
    for name, token, some in group(handlers, "hook"):
        yield [name, token, len(some), sum(handler.installed for handler in some), expressed(some)]


def found_in(calls, handlers, member, wanted):
    """Where something is among a member of calls and handlers: how often in each, and the places."""
    calls = [call.where for call in calls if wanted in getattr(call, member)]
    handlers = [handler.function for handler in handlers if wanted in getattr(handler, member)]
    return len(calls), len(handlers), code(dict.fromkeys(calls + handlers))


def reasons(calls, handlers):
    entries = [*calls, *handlers]
    for missing in dict.fromkeys(missing for entry in entries for missing in entry.missing):
        in_calls, in_handlers, places = found_in(calls, handlers, "missing", missing)
        alone = sum(entry.missing == (missing,) for entry in entries)
        yield [missing.name, in_calls, in_handlers, alone, missing.why, places]


def mistakes(calls, handlers):
    return [[mistake, *found_in(calls, handlers, "mistakes", mistake)] for mistake in MISTAKES]


def tables_of_calls(calls):
    for title, prefixes in SUBSYSTEMS:
        some = [call for call in calls if call.where.startswith(prefixes)]
        calls = [call for call in calls if call not in some]
        yield f"### {title}"
        yield table(
            ["where", "function", "call", "context", "kind", "operation", "note"],
            [
                [
                    *(code([call.where]), code([call.function]), code([call.name]), call.context, call.kind),
                    lacks(call) if call.missing else code(call.operation.split(", ")),
                    note(call),
                ]
                for call in some
            ],
        )


def tables_of_handlers(handlers):
    for hook in FAULT_HOOKS:
        yield f"### `{hook}`: the token is `{TOKENS[hook]}`"
        yield table(
            ["function", "where", "installed:", "answers in C", "answers here", "note"],
            [
                [
                    *(code([handler.function]), code([handler.where]), handler.installed, ", ".join(handler.codes)),
                    code(handler.answers) + ("; " + lacks(handler) if handler.missing else ""),
                    note(handler),
                ]
                for handler in handlers
                if handler.hook == hook
            ],
        )


def raw_calls(tree):
    for _, function, line in tree.outside_mm(RAW_CALL):
        if function.file not in RAW:
            sys.exit(f"{function.file}: what does {function.name} do to a page table?")
        yield [f"`{function.file}:{line}`", code([function.name]), RAW[function.file]]


def check_lists(calls, handlers):
    here = {f"{call.where.split(':')[0]} {call.function}" for call in calls}
    here |= {handler.function for handler in handlers}
    if gone := [key for key in [*CALLS_READ, *HANDLERS_READ] if re.sub(r" \d+$", "", key) not in here]:
        sys.exit(f"read, but not in this kernel: {gone}")


def page(tree):
    all_calls, all_handlers = list(calls(tree)), list(handlers(tree))
    check_lists(all_calls, all_handlers)
    parts = [
        "<!-- Written by docs/coverage.py: do not edit. -->",
        "# Coverage of the field",
        prose(f"""Every call in Linux {tree.version} that inserts memory into a user's address space, and every handler
        of a fault: which operation of which token expresses it, and what none does. Of {len(all_calls)} calls,
        {expressed(all_calls)} are expressed; of {len(all_handlers)} handlers, {expressed(all_handlers)}."""),
        f"`docs/coverage.py` writes this page, from Debian's package `{PACKAGE}`:",
        "```console\n"
        "$ docs/coverage.py                 # downloads the package, and removes it again\n"
        "$ docs/coverage.py LINUX           # a source tree that is there already\n"
        "$ docs/coverage.py --check [LINUX] # fails if this page says something else\n"
        "```",
        prose(f"""**What counts.** Calls of {code(KINDS)}, outside `mm/` and where a function of C makes them: no
        definitions, declarations or comments. A wrapper counts once, where it makes one of these calls, and its callers
        do not: `dma_mmap_*` is in the table of DMA, `remap_vmalloc_range` is in `mm/`. Handlers are the functions that
        are installed, outside `mm/`, as {code(FAULT_HOOKS)} of a `vm_operations_struct` or a `vm_special_mapping`; a
        function that is installed as two hooks counts as two."""),
        prose(f"""**How it was judged.** The context of a call is the hook through which its function is reached: by its
        callers in the same file and, unless it is static, in all files that have to do with mappings. A remap is
        `Remapped` if it is seen to cover the whole VMA. What the text does not show was read, and stands in lists in
        the script ({len(CALLS_READ)} entries for calls, {len(HANDLERS_READ)} for handlers), which stops at what neither
        decides. A call is expressed if an operation does the same in its context: the kind of mapping, the place in the
        VMA, the protection that is passed, or set by the function that makes the call. A handler is expressed if each
        of its answers is, and the answers of what it calls. Frames of RAM count as frames of a device do: somebody has
        to vouch for them, as a `FrameSource`, and the mapping's state, or at mmap the file, to keep them. The rights of
        a page are its mapping's, here and in the calls: none takes some from a single page but vmwgfx's, whose hooks
        are told of stores. Not judged is what a hook does besides: locks, checks, flags of the VMA, so also who may
        write and whether it may grow, and attributes that are set elsewhere. `vm_ops->access`, which debuggers ask,
        inserts nothing and answers no fault; `AccessCtx` is its token."""),
        "## Totals",
        "The calls. None is in a `Normal` mapping: its pages come from handlers.",
        table(
            ["context", "token", "calls:", "Mixed:", "PfnMap:", "Remapped:", "expressed:"], totals_of_calls(all_calls)
        ),
        prose("""Linux 7 replaces the mmap hook by one that describes its mapping (`mmap_prepare`, a `PrepareCtx` here).
        Calls in mmap hooks that are expressed, and what such a hook says instead. What else the hook does is not judged:
        a file that has mappings of several kinds, or whose pages are found under a lock, keeps its `MmapCtx`."""),
        table(["operation", "calls:", "in a prepare hook"], as_prepared(all_calls)),
        "The handlers.",
        table(["hook", "token", "handlers:", "installed:", "expressed:"], totals_of_handlers(all_handlers)),
        "## What is not expressed",
        'What lacks nothing else is counted as "alone".',
        table(["what", "calls:", "handlers:", "alone:", "why", "where"], reasons(all_calls, all_handlers)),
        prose("""Entries of page tables that C writes without these calls are left out for good. The list of
        `apply_to_page_range` outside `mm/`, but for the kernel's own memory, says who does; `fs/dax.c` sets an entry
        for its huge zero page besides."""),
        table(["where", "function", "what for"], raw_calls(tree)),
        "## What C does, and cannot be written here",
        prose("""Found while reading, so there may be more. An operation in the tables below is what was meant."""),
        table(["what", "calls:", "handlers:", "where"], mistakes(all_calls, all_handlers)),
        "## The calls",
        *tables_of_calls(all_calls),
        "## The handlers",
        prose("""Answers in C are `VM_FAULT_` codes and converters of errnos; `page` is 0 with `vmf->page` set,
        `insertion` what a `vmf_insert_*` says, `hands on` another handler's answer, any other 0 is `0`. "Installed" is
        how often."""),
        *tables_of_handlers(all_handlers),
    ]
    return "\n\n".join(parts) + "\n"


def debian_source(folder):
    def run(*command):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run("apt-get", "download", PACKAGE)
    run("dpkg-deb", "-x", *folder.glob("*.deb"), ".")
    run("tar", "-xf", f"usr/src/{PACKAGE}.tar.xz")
    return folder / PACKAGE


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the page says something else, and leave it alone")
    parser.add_argument("linux", nargs="?", type=Path, help=f"a source tree; without, Debian's {PACKAGE} is downloaded")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = page(Tree(asked.linux or debian_source(Path(folder))))
    if not asked.check:
        PAGE.write_text(text)
    elif text != PAGE.read_text():
        sys.exit(f"{PAGE.name} is not what {Path(__file__).name} writes")


if __name__ == "__main__":
    main()
