/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the Rust side of vmctx (platforms/linux/src/ffi.rs) calls and the kernel only has inline, or with types that Rust does not repeat.
 */
#ifndef VMCTX_H
#define VMCTX_H

#include <linux/mm.h>

#include "compat.h"

struct page *vmctx_alloc_page(void);
void vmctx_get_page(struct page *page);
void vmctx_put_page(struct page *page);
void *vmctx_page_address(struct page *page);
unsigned long vmctx_pfn(struct page *page);
void vmctx_deliver(struct vm_fault *vmf, struct page *page);
struct page *vmctx_fault_page(struct vm_fault *vmf);
void vmctx_lock_page(struct page *page);
void vmctx_unlock_page(struct page *page);
void *vmctx_alloc(size_t size, size_t align);
void vmctx_free(void *memory);
void vmctx_set_cache(struct vm_area_struct *vma, int cache);
void vmctx_set_decrypted(struct vm_area_struct *vma);
int vmctx_cache_of(const struct vm_area_struct *vma);
void vmctx_tell_of_stores(struct vm_area_struct *vma);
bool vmctx_entry_there(struct vm_fault *vmf);
bool vmctx_store_begin(struct vm_fault *vmf);
void vmctx_store_end(struct vm_fault *vmf, bool allowed);
bool vmctx_is_only_reference(struct page *page);
int vmctx_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags);
void vmctx_warn_mergeable(void);
void vmctx_copy_from_io(void *to, const void *from, size_t bytes);
void vmctx_copy_to_io(void *to, const void *from, size_t bytes);
void vmctx_zap_range(struct vm_area_struct *vma, unsigned long address, unsigned long bytes);
void vmctx_zap(struct vm_area_struct *vma);
void vmctx_refuse(struct vm_area_struct *vma);
int vmctx_insert_zero_page(struct vm_area_struct *vma, unsigned long address);
vm_fault_t vmctx_insert_mixed(struct vm_area_struct *vma, unsigned long address, unsigned long pfn);
vm_fault_t vmctx_insert_mixed_mkwrite(struct vm_area_struct *vma, unsigned long address, unsigned long pfn);
vm_fault_t vmctx_insert_pfn_prot(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, int cache, bool decrypted);
int vmctx_remap(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, unsigned long bytes);
vm_fault_t vmctx_mkwrite(struct vm_fault *vmf, unsigned long pfn);
bool vmctx_has_table(const struct vm_fault *vmf, unsigned long address);
vm_fault_t vmctx_insert_huge(struct vm_fault *vmf, unsigned long pfn);
bool vmctx_small_begin(const struct vm_area_struct *vma, unsigned long address);
void vmctx_small_end(void);
int vmctx_copy_mapped(struct vm_area_struct *vma, unsigned long address, void *bytes, int len, int write);
void vmctx_release(struct vm_fault *vmf);
void *vmctx_rwsem_new(void);
void vmctx_rwsem_free(void *lock);
void *vmctx_mutex_new(void);
void vmctx_mutex_free(void *lock);
void vmctx_mutex_lock(void *lock);
bool vmctx_mutex_trylock(void *lock);
void vmctx_mutex_unlock(void *lock);
void *vmctx_spinlock_new(void);
void vmctx_spinlock_free(void *lock);
void vmctx_spin_lock(void *lock);
bool vmctx_spin_trylock(void *lock);
void vmctx_spin_unlock(void *lock);
void *vmctx_mappings_new(void);
void vmctx_mappings_get(void *mappings);
void vmctx_mappings_put(void *mappings);
void vmctx_mappings_attach(void *mappings, struct file *file);
bool vmctx_mappings_have(const void *mappings, const struct vm_area_struct *vma);
void vmctx_mappings_unmap(void *mappings, unsigned long first, unsigned long pages);
bool vmctx_mappings_have_file(const void *mappings, const struct file *file);
#ifdef VMCTX_MMAP_PREPARE
void vmctx_desc_set_prot(struct vm_area_desc *desc, int cache, bool decrypted);
int vmctx_desc_remap(struct vm_area_desc *desc, unsigned long pfn);
void vmctx_desc_map_pages(struct vm_area_desc *desc, struct page **pages, unsigned long count);
#endif
struct mm_struct *vmctx_current_mm(void);
void vmctx_mm_grab(struct mm_struct *mm);
void vmctx_mm_drop(struct mm_struct *mm);
int vmctx_mm_lock(struct mm_struct *mm, bool wait);
void vmctx_mm_unlock(struct mm_struct *mm);
void *vmctx_queue_new(void);
void vmctx_queue_free(void *queue);
u64 vmctx_queue_wakes(const void *queue);
void vmctx_queue_wake(void *queue);
int vmctx_queue_wait(void *queue, u64 since);
/* What is counted if vmctx.c is compiled with VMCTX_COUNT. Without it every count is zero. */
enum vmctx_count {
	VMCTX_PAGES,		/* references to pages that Rust holds */
	VMCTX_ALLOCATIONS,	/* allocations, queues, locks, and references to mappings and processes that Rust holds */
	VMCTX_RELEASED_MMAP,	/* mmap locks given up by faults */
	VMCTX_RELEASED_VMA,	/* VMA locks given up by faults */
	VMCTX_PREPARED,		/* mappings that were described in f_op->mmap_prepare */
	VMCTX_COUNTS,
};
long vmctx_count(unsigned long which);

void vmctx_panic(const char *message, size_t length, const char *file, size_t file_length, unsigned int line) __noreturn;

#endif
