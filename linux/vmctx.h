/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the Rust side of vmctx (src/linux/ffi.rs) calls and the kernel only has inline, or with types that Rust does not repeat.
 */
#ifndef VMCTX_H
#define VMCTX_H

#include <linux/mm.h>

struct page *vmctx_alloc_page(void);
void vmctx_get_page(struct page *page);
void vmctx_put_page(struct page *page);
void *vmctx_page_address(struct page *page);
void vmctx_deliver(struct vm_fault *vmf, struct page *page);
void vmctx_lock_page(struct page *page);
void vmctx_unlock_page(struct page *page);
void *vmctx_alloc(size_t size, size_t align);
void vmctx_free(void *memory);
void vmctx_set_cache(struct vm_area_struct *vma, int cache);
int vmctx_cache_of(const struct vm_area_struct *vma);
void vmctx_zap(struct vm_area_struct *vma);
int vmctx_insert_zero_page(struct vm_area_struct *vma, unsigned long address);
vm_fault_t vmctx_insert_mixed(struct vm_area_struct *vma, unsigned long address, unsigned long pfn);
vm_fault_t vmctx_insert_pfn_prot(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, bool writable, int cache);
int vmctx_remap(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, unsigned long bytes);
void vmctx_release(struct vm_fault *vmf);
void *vmctx_queue_new(void);
void vmctx_queue_free(void *queue);
u64 vmctx_queue_wakes(const void *queue);
void vmctx_queue_wake(void *queue);
int vmctx_queue_wait(void *queue, u64 since);
/* What is counted if vmctx.c is compiled with VMCTX_COUNT. Without it every count is zero. */
enum vmctx_count {
	VMCTX_PAGES,		/* references to pages that Rust holds */
	VMCTX_ALLOCATIONS,	/* allocations and queues that Rust holds */
	VMCTX_RELEASED_MMAP,	/* mmap locks given up by faults */
	VMCTX_RELEASED_VMA,	/* VMA locks given up by faults */
	VMCTX_COUNTS,
};
long vmctx_count(unsigned long which);

void vmctx_panic(const char *message, size_t length, const char *file, size_t file_length, unsigned int line) __noreturn;

#endif
