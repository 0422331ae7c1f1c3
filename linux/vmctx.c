// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The C half of vmctx on Linux. Link it into a module beside the Rust static library.
 */
#include <linux/capability.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "vmctx.h"
/* Generated from src/linux/ffi.rs: what Rust repeats of this kernel's headers is so. */
#include "vmctx_facts.h"

#ifdef VMCTX_COUNT
static atomic_long_t counts[VMCTX_COUNTS];

static void count(enum vmctx_count which, long by)
{
	atomic_long_add(by, &counts[which]);
}

long vmctx_count(unsigned long which)
{
	return which < VMCTX_COUNTS ? atomic_long_read(&counts[which]) : -EINVAL;
}
#else
static inline void count(enum vmctx_count which, long by)
{
}

long vmctx_count(unsigned long which)
{
	return 0;
}
#endif

struct page *vmctx_alloc_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (page)
		count(VMCTX_PAGES, 1);
	return page;
}

void vmctx_get_page(struct page *page)
{
	count(VMCTX_PAGES, 1);
	get_page(page);
}

void vmctx_put_page(struct page *page)
{
	count(VMCTX_PAGES, -1);
	put_page(page);
}

void *vmctx_page_address(struct page *page)
{
	return page_address(page);
}

void vmctx_deliver(struct vm_fault *vmf, struct page *page)
{
	count(VMCTX_PAGES, -1);
	vmf->page = page;
}

void vmctx_lock_page(struct page *page)
{
	lock_page(page);
}

void vmctx_unlock_page(struct page *page)
{
	unlock_page(page);
}

/* kmalloc aligns to the size of a power of two; a larger alignment than size is met by rounding the size up. */
void *vmctx_alloc(size_t size, size_t align)
{
	void *memory = kvmalloc(align > ARCH_KMALLOC_MINALIGN ? ALIGN(size, align) : size, GFP_KERNEL);

	if (memory)
		count(VMCTX_ALLOCATIONS, 1);
	return memory;
}

void vmctx_free(void *memory)
{
	count(VMCTX_ALLOCATIONS, -1);
	kvfree(memory);
}

void vmctx_set_cache(struct vm_area_struct *vma, int cache)
{
	pgprot_t prot = vm_get_page_prot(vma->vm_flags);

	if (cache == 1)
		prot = pgprot_writecombine(prot);
	else if (cache == 2)
		prot = pgprot_noncached(prot);
	vma->vm_page_prot = prot;
}

int vmctx_cache_of(const struct vm_area_struct *vma)
{
	pgprot_t prot = vma->vm_page_prot;

	if (pgprot_val(prot) == pgprot_val(pgprot_noncached(prot)))
		return 2;
	if (pgprot_val(prot) == pgprot_val(pgprot_writecombine(prot)))
		return 1;
	return 0;
}

void vmctx_zap(struct vm_area_struct *vma)
{
	zap_page_range_single(vma, vma->vm_start, vma->vm_end - vma->vm_start, NULL);
}

int vmctx_insert_zero_page(struct vm_area_struct *vma, unsigned long address)
{
	return vm_insert_page(vma, address, ZERO_PAGE(address));
}

vm_fault_t vmctx_insert_mixed(struct vm_area_struct *vma, unsigned long address, unsigned long pfn)
{
	return vmf_insert_mixed(vma, address, __pfn_to_pfn_t(pfn, PFN_DEV));
}

vm_fault_t vmctx_insert_pfn_prot(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, bool writable, int cache)
{
	unsigned long flags = writable ? vma->vm_flags : vma->vm_flags & ~VM_WRITE;
	pgprot_t prot = vm_get_page_prot(flags);

	if (cache == 1)
		prot = pgprot_writecombine(prot);
	else if (cache == 2)
		prot = pgprot_noncached(prot);
	return vmf_insert_pfn_prot(vma, address, pfn, prot);
}

/*
 * On a processor with L1TF, an unprivileged user does not get entries without access for frames that are no RAM and this high.
 */
static bool refused_for_l1tf(const struct vm_area_struct *vma, unsigned long last)
{
	return boot_cpu_has_bug(X86_BUG_L1TF) && !(vma->vm_flags & VM_ACCESS_FLAGS) &&
	       last >= l1tf_pfn_limit() && !capable(CAP_SYS_ADMIN);
}

/*
 * If remap_pfn_range of a whole VMA fails before its first entry is in, 6.12 WARNs while it cleans up (get_pat_info in
 * arch/x86/mm/pat/memtype.c finds no entry to look at). It fails there for want of page tables, and for L1TF. So both come first.
 */
int vmctx_remap(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, unsigned long bytes)
{
	int err;

	if (refused_for_l1tf(vma, pfn + (bytes >> PAGE_SHIFT) - 1))
		return -EACCES;
	err = apply_to_page_range(vma->vm_mm, address, bytes, NULL, NULL);
	if (err)
		return err;
	return remap_pfn_range(vma, address, pfn, bytes, vma->vm_page_prot);
}

void vmctx_release(struct vm_fault *vmf)
{
	count(vmf->flags & FAULT_FLAG_VMA_LOCK ? VMCTX_RELEASED_VMA : VMCTX_RELEASED_MMAP, 1);
	release_fault_lock(vmf);
}

struct vmctx_queue {
	wait_queue_head_t head;
	atomic64_t wakes;
};

void *vmctx_queue_new(void)
{
	struct vmctx_queue *queue = kmalloc(sizeof(*queue), GFP_KERNEL);

	if (queue) {
		count(VMCTX_ALLOCATIONS, 1);
		init_waitqueue_head(&queue->head);
		atomic64_set(&queue->wakes, 0);
	}
	return queue;
}

void vmctx_queue_free(void *queue)
{
	count(VMCTX_ALLOCATIONS, -1);
	kfree(queue);
}

u64 vmctx_queue_wakes(const void *queue)
{
	return atomic64_read_acquire(&((const struct vmctx_queue *)queue)->wakes);
}

void vmctx_queue_wake(void *queue)
{
	struct vmctx_queue *q = queue;

	atomic64_inc_return(&q->wakes);
	wake_up_all(&q->head);
}

int vmctx_queue_wait(void *queue, u64 since)
{
	struct vmctx_queue *q = queue;

	return wait_event_killable(q->head, vmctx_queue_wakes(q) != since);
}

void vmctx_panic(const char *message, size_t length, const char *file, size_t file_length, unsigned int line)
{
	pr_emerg("vmctx: Rust panicked at %.*s:%u: %.*s\n", (int)file_length, file, line, (int)length, message);
	BUG();
}
