/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Where kernels and architectures differ: what the rest of the shim, and Rust, have under one name. docs/kernels.md says which kernels
 * were tried.
 */
#ifndef VMCTX_COMPAT_H
#define VMCTX_COMPAT_H

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#include <linux/pfn_t.h>
#endif

/* f_op->mmap_prepare with actions, and vm_ops->mapped. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
#define VMCTX_MMAP_PREPARE
#endif

/* What vm_ops->huge_fault is told: an order since 6.6, before that an enum page_entry_size. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
typedef unsigned int huge_fault_t;
#define HUGE_FAULT_PMD PMD_ORDER
#define HUGE_FAULT_PUD PUD_ORDER
#else
typedef enum page_entry_size huge_fault_t;
#define HUGE_FAULT_PMD PE_SIZE_PMD
#define HUGE_FAULT_PUD PE_SIZE_PUD
#endif

/* Flags that some kernels lack are zero there. */
#ifndef VM_ALLOW_ANY_UNCACHED
#define VM_ALLOW_ANY_UNCACHED 0
#endif
#ifndef VM_PAT
#define VM_PAT 0
#endif

/* Locks of single VMAs, and flags that are changed through functions, since 6.4. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define FAULT_FLAG_VMA_LOCK 0

static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vma_start_write(struct vm_area_struct *vma)
{
}

static inline void __vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}

static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define pmdp_get_lockless(pmd) READ_ONCE(*(pmd))
#define ptep_get(pte) READ_ONCE(*(pte))
#endif

/* One that changes under the reader, as in a walk without locks. */
static inline bool is_leaf(pmd_t pmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0) && defined(CONFIG_X86)
	return pmd_large(pmd);
#else
	return pmd_leaf(pmd);
#endif
}

static inline void zap_range(struct vm_area_struct *vma, unsigned long address, unsigned long bytes)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	zap_vma_range(vma, address, bytes);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	zap_page_range_single(vma, address, bytes, NULL);
#else
	zap_page_range(vma, address, bytes);
#endif
}

/* Frames were a type of their own until 6.15. */
static inline vm_fault_t insert_mixed(struct vm_area_struct *vma, unsigned long address, unsigned long pfn)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return vmf_insert_mixed(vma, address, pfn);
#else
	return vmf_insert_mixed(vma, address, __pfn_to_pfn_t(pfn, PFN_DEV));
#endif
}

static inline vm_fault_t insert_pfn_pmd(struct vm_fault *vmf, unsigned long pfn, bool write)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return vmf_insert_pfn_pmd(vmf, pfn, write);
#else
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write);
#endif
}

/* A kernel has to be made for entries that large. */
static inline vm_fault_t insert_pfn_pud(struct vm_fault *vmf, unsigned long pfn, bool write)
{
#ifndef CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD
	return VM_FAULT_FALLBACK;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	return vmf_insert_pfn_pud(vmf, pfn, write);
#else
	return vmf_insert_pfn_pud(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write);
#endif
}

/* What an entry shows: whether its frame is RAM that the kernel manages, and whether it is writable. An errno where there is none. */
static inline int look_at_entry(struct vm_area_struct *vma, unsigned long address, bool *ram, bool *writable)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = address };

	if (follow_pfnmap_start(&args))
		return -EINVAL;
	*ram = pfn_valid(args.pfn) && !PageReserved(pfn_to_page(args.pfn));
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
#else
	spinlock_t *lock;
	unsigned long pfn;
	pte_t *pte;

	if (follow_pte(vma->vm_mm, address, &pte, &lock))
		return -EINVAL;
	pfn = pte_pfn(ptep_get(pte));
	*ram = pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn));
	*writable = pte_write(ptep_get(pte));
	pte_unmap_unlock(pte, lock);
	return 0;
#endif
}

/*
 * Whether the zero page may be inserted: where nobody may ever store to it, or a hook of the driver's is asked before. Since 6.11 the
 * kernel looks itself (vm_mixed_zeropage_allowed); before, it
 * would let users store to the page that all processes share.
 */
static inline bool zero_page_allowed(const struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return true;
#else
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE || !(vma->vm_flags & (VM_WRITE | VM_MAYWRITE)))
		return true;
	return vma->vm_ops && vma->vm_ops->pfn_mkwrite && vma->vm_flags & VM_IO;
#endif
}

/* As wp_page_reuse. pte_mkwrite and ptep_set_access_flags are not exported; of the former this is what is not shadow stacks'. */
static inline pte_t entry_written(pte_t entry)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	entry = pte_mkwrite_novma(pte_mkyoung(pte_mkdirty(entry)));
#ifdef CONFIG_X86
	entry = pte_clear_saveddirty(entry);
#endif
	return entry;
#else
	return pte_mkwrite(pte_mkyoung(pte_mkdirty(entry)));
#endif
}

#ifdef CONFIG_X86
/* The kernel's own functions add their bits to those that are there. */
static inline pgprot_t cached(pgprot_t prot)
{
	return __pgprot(pgprot_val(prot) & ~_PAGE_CACHE_MASK);
}

/* pgprot_modify is inline, but what it needs is not exported. */
static inline pgprot_t read_only(pgprot_t prot)
{
	return __pgprot(pgprot_val(prot) & ~_PAGE_RW);
}

static inline pgprot_t written(pgprot_t prot)
{
	return __pgprot(pgprot_val(prot) | _PAGE_RW | _PAGE_DIRTY | _PAGE_SOFT_DIRTY);
}

/*
 * On a processor with L1TF, an unprivileged user does not get entries without access for frames that are no RAM and this high.
 */
static inline bool refused_for_l1tf(vm_flags_t flags, unsigned long last)
{
	return boot_cpu_has_bug(X86_BUG_L1TF) && !(flags & VM_ACCESS_FLAGS) &&
	       last >= l1tf_pfn_limit() && !capable(CAP_SYS_ADMIN);
}
#elif defined(CONFIG_ARM64)
static inline pgprot_t cached(pgprot_t prot)
{
	return __pgprot_modify(prot, PTE_ATTRINDX_MASK, PTE_ATTRINDX(MT_NORMAL));
}

static inline pgprot_t read_only(pgprot_t prot)
{
	return __pgprot_modify(prot, PTE_WRITE, PTE_RDONLY);
}

static inline pgprot_t written(pgprot_t prot)
{
	return __pgprot_modify(prot, PTE_RDONLY, PTE_WRITE | PTE_DIRTY);
}

static inline bool refused_for_l1tf(vm_flags_t flags, unsigned long last)
{
	return false;
}
#else
#error "no architecture that was tried"
#endif

#endif
