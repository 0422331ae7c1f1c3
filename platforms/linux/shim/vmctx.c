// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The C half of vmctx on Linux. Link it into a module beside the Rust static library.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/rmap.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "compat.h"
#include "vmctx.h"

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

/* Also of what get_user_pages has pinned, which counts as references. */
bool vmctx_is_only_reference(struct page *page)
{
	return page_count(page) == 1;
}

void *vmctx_page_address(struct page *page)
{
	return page_address(page);
}

unsigned long vmctx_pfn(struct page *page)
{
	return page_to_pfn(page);
}

void vmctx_deliver(struct vm_fault *vmf, struct page *page)
{
	count(VMCTX_PAGES, -1);
	vmf->page = page;
}

struct page *vmctx_fault_page(struct vm_fault *vmf)
{
	vmctx_get_page(vmf->page);
	return vmf->page;
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

/* As a mapping is without any of the two, as one that combines writes, or as one that is not cached. */
static pgprot_t with_cache(pgprot_t prot, int cache)
{
	if (cache == 1)
		return pgprot_writecombine(cached(prot));
	if (cache == 2)
		return pgprot_noncached(cached(prot));
	return cached(prot);
}

void vmctx_set_cache(struct vm_area_struct *vma, int cache)
{
	vma->vm_page_prot = with_cache(vma->vm_page_prot, cache);
}

void vmctx_set_decrypted(struct vm_area_struct *vma)
{
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
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

/*
 * mmap_region narrows vm_page_prot when the mmap hook has returned (vma_set_page_prot). What the hook inserts is to be told of, too.
 */
void vmctx_tell_of_stores(struct vm_area_struct *vma)
{
	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		vma->vm_page_prot = read_only(vma->vm_page_prot);
}

static int entry_seen(pte_t *pte, unsigned long address, void *seen)
{
	if (!pte_none(ptep_get(pte)))
		*(bool *)seen = true;
	return 0;
}

/* With the lock of the table held, which is there. Newer kernels export nothing that passes over an entry that is none. */
static void with_entry(struct vm_fault *vmf, pte_fn_t look, void *data)
{
	apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK, PAGE_SIZE, look, data);
}

/* Whether there is an entry where the fault was after all. */
bool vmctx_entry_there(struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);
	bool seen = false;

	if (pmd_none(pmd) || is_leaf(pmd))
		return !pmd_none(pmd);
	with_entry(vmf, entry_seen, &seen);
	return seen;
}

static int read_only_frame_seen(pte_t *pte, unsigned long address, void *vmf)
{
	struct vm_fault *fault = vmf;
	pte_t entry = ptep_get(pte);

	if (pte_present(entry) && pte_special(entry) && !pte_write(entry) && !is_zero_pfn(pte_pfn(entry))) {
		fault->orig_pte = entry;
		fault->flags |= FAULT_FLAG_MKWRITE;
	}
	return 0;
}

/*
 * A fault hook has inserted. If a store has met a frame by that which is not writable yet, the fault is made what do_wp_page would make
 * of it when the access comes back: vm_ops->pfn_mkwrite can be called for it, and then vmctx_store_end.
 */
bool vmctx_store_begin(struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	if (!(vmf->flags & FAULT_FLAG_WRITE) || (vmf->vma->vm_flags & (VM_WRITE | VM_SHARED)) != (VM_WRITE | VM_SHARED))
		return false;
	if (pmd_none(pmd) || is_leaf(pmd))
		return false;
	with_entry(vmf, read_only_frame_seen, vmf);
	return vmf->flags & FAULT_FLAG_MKWRITE;
}

static int frame_made_writable(pte_t *pte, unsigned long address, void *vmf)
{
	pte_t entry = ((struct vm_fault *)vmf)->orig_pte;

	if (pte_same(ptep_get(pte), entry))
		set_pte(pte, entry_written(entry));
	return 0;
}

/* If the store is allowed its entry becomes writable and dirty, unless it has changed since it was looked at (finish_mkwrite_fault). */
void vmctx_store_end(struct vm_fault *vmf, bool allowed)
{
	if (allowed)
		with_entry(vmf, frame_made_writable, vmf);
	vmf->flags &= ~FAULT_FLAG_MKWRITE;
}

/*
 * vm_ops->mprotect of mappings of frames, on architectures whose pte_modify takes the cache attribute of the mapping for a page's own:
 * what is mapped goes, and faults bring it anew as the driver has it. No fault comes in between, because the VMA stays locked. Such
 * mappings have no private copies.
 */
int vmctx_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags)
{
	vma_start_write(vma);
	zap_range(vma, start, end - start);
	return 0;
}

/*
 * A VMA without one of VM_SPECIAL's flags is merged with a neighbour that fits, before its mmap hook or after it, and loses its state
 * or overwrites the neighbour's. The core sets one with every kind.
 */
void vmctx_warn_mergeable(void)
{
	WARN_ONCE(1, "vmctx: a mapping that could be merged is not established\n");
}

void vmctx_copy_from_io(void *to, const void *from, size_t bytes)
{
	memcpy_fromio(to, (__force const void __iomem *)from, bytes);
}

void vmctx_copy_to_io(void *to, const void *from, size_t bytes)
{
	memcpy_toio((__force void __iomem *)to, from, bytes);
}

void vmctx_zap_range(struct vm_area_struct *vma, unsigned long address, unsigned long bytes)
{
	zap_range(vma, address, bytes);
}

void vmctx_zap(struct vm_area_struct *vma)
{
	zap_range(vma, vma->vm_start, vma->vm_end - vma->vm_start);
}

/*
 * For a VMA whose opening is refused, in vm_ops->open: it is to show nothing.
 *
 * - fork copies nothing into it (dup_mmap looks for VM_WIPEONFORK after open; older ones have copied before, and found it its place);
 * - a cut leaves it with what the whole VMA shows there. That one is in the tree still, and locked now, so that no fault fills again
 *   what is zapped;
 * - a move has its mremap hook fail, and then everything goes back.
 *
 * In none of them it has a range of its own in the PAT tracking.
 */
void vmctx_refuse(struct vm_area_struct *vma)
{
	struct vm_area_struct *whole = vma_lookup(vma->vm_mm, vma->vm_start);

	if (whole) {
		vma_start_write(whole);
		vmctx_zap(vma);
	}
	__vm_flags_mod(vma, VM_WIPEONFORK, VM_PAT);
}

int vmctx_insert_zero_page(struct vm_area_struct *vma, unsigned long address)
{
	if (!zero_page_allowed(vma))
		return -EINVAL;
	return vm_insert_page(vma, address, ZERO_PAGE(address));
}

vm_fault_t vmctx_insert_mixed(struct vm_area_struct *vma, unsigned long address, unsigned long pfn)
{
	return insert_mixed(vma, address, pfn);
}

/*
 * vmf_insert_mixed_mkwrite is not exported. A frame without a page can be inserted with a protection of its own instead; one with a
 * page cannot (mm/memory.c:2415 is a BUG), and gets the mapping's: the store asks once more, and is told to the hook, if there is one.
 */
vm_fault_t vmctx_insert_mixed_mkwrite(struct vm_area_struct *vma, unsigned long address, unsigned long pfn)
{
	pgprot_t prot;

	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) != (VM_WRITE | VM_SHARED) || pfn_valid(pfn))
		return vmctx_insert_mixed(vma, address, pfn);
	prot = written(vma->vm_page_prot);
	return vmf_insert_pfn_prot(vma, address, pfn, prot);
}

/*
 * The same where the entry is there, or about to be: in vm_ops->pfn_mkwrite and page_mkwrite. That of a frame is made writable and dirty
 * at once, because the driver holds the lock under which it has noted the store. That of a page the core makes so, if it is still the
 * same when it gets to that. For a page that is not in the page cache it wants it locked, or else asks for ever.
 */
vm_fault_t vmctx_mkwrite(struct vm_fault *vmf, unsigned long pfn)
{
	if (!vmf->page) {
		if (pte_pfn(vmf->orig_pte) == pfn)
			with_entry(vmf, frame_made_writable, vmf);
		return VM_FAULT_NOPAGE;
	}
	if (page_to_pfn(vmf->page) != pfn)
		return VM_FAULT_NOPAGE;
	lock_page(vmf->page);
	return VM_FAULT_LOCKED;
}

/* The rights are those of vm_page_prot, not of the flags: only it says that a hook is told of stores. */
vm_fault_t vmctx_insert_pfn_prot(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, int cache, bool decrypted)
{
	pgprot_t prot = vma->vm_page_prot;

	if (decrypted)
		prot = pgprot_decrypted(prot);
	return vmf_insert_pfn_prot(vma, address, pfn, with_cache(prot, cache));
}

/*
 * In vm_ops->map_pages: whether the page table for an address is there, so that an insertion allocates none. Only the one of the fault
 * is looked at.
 */
bool vmctx_has_table(const struct vm_fault *vmf, unsigned long address)
{
	pmd_t pmd = pmdp_get_lockless(vmf->pmd);

	return (address & PMD_MASK) == (vmf->address & PMD_MASK) && !pmd_none(pmd) && !is_leaf(pmd);
}

/*
 * Where a small entry is to go, a huge one may be by now, and the kernel then says that there is no memory (or, with CONFIG_DEBUG_VM,
 * BUG). So in mappings that have huge entries neither appears while the other is inserted. Page tables that are there stay, because
 * a lock of the VMA's is held.
 */
static DECLARE_RWSEM(huge_entries);

static bool is_huge(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return false;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		return false;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud))
		return false;
	return is_leaf(pmdp_get_lockless(pmd_offset(pud, address)));
}

bool vmctx_small_begin(const struct vm_area_struct *vma, unsigned long address)
{
	down_read(&huge_entries);
	if (!is_huge(vma->vm_mm, address))
		return true;
	up_read(&huge_entries);
	return false;
}

void vmctx_small_end(void)
{
	up_read(&huge_entries);
}

/*
 * A huge entry of 2 MiB. A store makes it writable, even where vm_page_prot is not (the kernel tracks dirty pages so): else the store
 * would come again and again. If an entry is in place, it is of the same frame then, because none can have come since it was looked at.
 */
vm_fault_t vmctx_insert_huge(struct vm_fault *vmf, unsigned long pfn)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	vm_fault_t answer;
	pmd_t pmd;

	down_write(&huge_entries);
	pmd = pmdp_get_lockless(vmf->pmd);
	if (pmd_none(pmd) || (write && is_leaf(pmd) && pmd_pfn(pmd) == pfn))
		answer = insert_pfn_pmd(vmf, pfn, write);
	else if (is_leaf(pmd) && (!write || pmd_write(pmd)))
		answer = VM_FAULT_NOPAGE;
	else
		answer = VM_FAULT_FALLBACK;
	up_write(&huge_entries);
	return answer;
}

/*
 * If remap_pfn_range of a whole VMA fails before its first entry is in, 6.12 WARNs while it cleans up (get_pat_info in
 * arch/x86/mm/pat/memtype.c finds no entry to look at). It fails there for want of page tables, and for L1TF. So both come first.
 */
int vmctx_remap(struct vm_area_struct *vma, unsigned long address, unsigned long pfn, unsigned long bytes)
{
	int err;

	if (refused_for_l1tf(vma->vm_flags, pfn + (bytes >> PAGE_SHIFT) - 1))
		return -EACCES;
	err = apply_to_page_range(vma->vm_mm, address, bytes, NULL, NULL);
	if (err)
		return err;
	return remap_pfn_range(vma, address, pfn, bytes, vma->vm_page_prot);
}

/*
 * In vm_ops->access. generic_access_phys reaches frames by ioremap, which refuses RAM, and WARNs: a private copy, or a page that was
 * inserted by its number. So they are refused before that (__ioremap_check_ram).
 */
int vmctx_copy_mapped(struct vm_area_struct *vma, unsigned long address, void *bytes, int len, int write)
{
	bool ram, writable;

	if (look_at_entry(vma, address, &ram, &writable))
		return -EINVAL;
	if (ram)
		return -ENOMEM;
	return generic_access_phys(vma, address, bytes, len, write ? FOLL_WRITE : 0);
}

void vmctx_release(struct vm_fault *vmf)
{
	count(vmf->flags & FAULT_FLAG_VMA_LOCK ? VMCTX_RELEASED_VMA : VMCTX_RELEASED_MMAP, 1);
	release_fault_lock(vmf);
}

void *vmctx_rwsem_new(void)
{
	struct rw_semaphore *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	if (lock) {
		count(VMCTX_ALLOCATIONS, 1);
		init_rwsem(lock);
	}
	return lock;
}

void vmctx_rwsem_free(void *lock)
{
	count(VMCTX_ALLOCATIONS, -1);
	kfree(lock);
}

void *vmctx_mutex_new(void)
{
	struct mutex *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	if (lock) {
		count(VMCTX_ALLOCATIONS, 1);
		mutex_init(lock);
	}
	return lock;
}

void vmctx_mutex_free(void *lock)
{
	count(VMCTX_ALLOCATIONS, -1);
	mutex_destroy(lock);
	kfree(lock);
}

void vmctx_mutex_lock(void *lock)
{
	mutex_lock(lock);
}

bool vmctx_mutex_trylock(void *lock)
{
	return mutex_trylock(lock);
}

void vmctx_mutex_unlock(void *lock)
{
	mutex_unlock(lock);
}

void *vmctx_spinlock_new(void)
{
	spinlock_t *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	if (lock) {
		count(VMCTX_ALLOCATIONS, 1);
		spin_lock_init(lock);
	}
	return lock;
}

void vmctx_spinlock_free(void *lock)
{
	count(VMCTX_ALLOCATIONS, -1);
	kfree(lock);
}

void vmctx_spin_lock(void *lock)
{
	spin_lock(lock);
}

bool vmctx_spin_trylock(void *lock)
{
	return spin_trylock(lock);
}

void vmctx_spin_unlock(void *lock)
{
	spin_unlock(lock);
}

/*
 * An address_space needs an inode, and an inode a file system, as DRM and VFIO have one: mm and vfs ask mapping->host for it. Every
 * reference to an inode keeps the mount.
 */
#define MAPPINGS_MAGIC 0x766d6378

static struct vfsmount *mappings_mount;
static int mappings_count;

static int mappings_init_fs_context(struct fs_context *context)
{
	return init_pseudo(context, MAPPINGS_MAGIC) ? 0 : -ENOMEM;
}

/* Without an owner: a module may have mappings for as long as it is loaded, and gives them up when it is unloaded. */
static struct file_system_type mappings_fs = {
	.name = "vmctx",
	.init_fs_context = mappings_init_fs_context,
	.kill_sb = kill_anon_super,
};

void *vmctx_mappings_new(void)
{
	struct inode *inode;

	if (simple_pin_fs(&mappings_fs, &mappings_mount, &mappings_count))
		return NULL;
	inode = alloc_anon_inode(mappings_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&mappings_mount, &mappings_count);
		return NULL;
	}
	count(VMCTX_ALLOCATIONS, 1);
	return inode;
}

void vmctx_mappings_get(void *mappings)
{
	count(VMCTX_ALLOCATIONS, 1);
	ihold(mappings);
	/* It is mounted, which cannot fail. */
	simple_pin_fs(&mappings_fs, &mappings_mount, &mappings_count);
}

void vmctx_mappings_put(void *mappings)
{
	count(VMCTX_ALLOCATIONS, -1);
	iput(mappings);
	simple_release_fs(&mappings_mount, &mappings_count);
}

void vmctx_mappings_attach(void *mappings, struct file *file)
{
	file->f_mapping = ((struct inode *)mappings)->i_mapping;
}

bool vmctx_mappings_have_file(const void *mappings, const struct file *file)
{
	return file->f_mapping == ((const struct inode *)mappings)->i_mapping;
}

bool vmctx_mappings_have(const void *mappings, const struct vm_area_struct *vma)
{
	return vma->vm_file && vmctx_mappings_have_file(mappings, vma->vm_file);
}

/* To the kernel no pages are all pages. */
void vmctx_mappings_unmap(void *mappings, unsigned long first, unsigned long pages)
{
	if (pages)
		unmap_mapping_pages(((struct inode *)mappings)->i_mapping, first, pages, false);
}

#ifdef VMCTX_MMAP_PREPARE
void vmctx_desc_set_prot(struct vm_area_desc *desc, int cache, bool decrypted)
{
	count(VMCTX_PREPARED, 1);
	if (cache)
		desc->page_prot = with_cache(desc->page_prot, cache);
	if (decrypted)
		desc->page_prot = pgprot_decrypted(desc->page_prot);
}

int vmctx_desc_remap(struct vm_area_desc *desc, unsigned long pfn)
{
	unsigned long pages = (desc->end - desc->start) >> PAGE_SHIFT;

	if (refused_for_l1tf(vma_flags_to_legacy(desc->vma_flags), pfn + pages - 1))
		return -EACCES;
	mmap_action_remap_full(desc, pfn);
	return 0;
}

void vmctx_desc_map_pages(struct vm_area_desc *desc, struct page **pages, unsigned long count)
{
	mmap_action_map_kernel_pages(desc, desc->start, pages, count);
}
#endif

struct mm_struct *vmctx_current_mm(void)
{
	return current->mm;
}

void vmctx_mm_grab(struct mm_struct *mm)
{
	count(VMCTX_ALLOCATIONS, 1);
	mmgrab(mm);
}

void vmctx_mm_drop(struct mm_struct *mm)
{
	count(VMCTX_ALLOCATIONS, -1);
	mmdrop(mm);
}

int vmctx_mm_lock(struct mm_struct *mm, bool wait)
{
	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (wait) {
		mmap_read_lock(mm);
	} else if (!mmap_read_trylock(mm)) {
		mmput_async(mm);
		return -EAGAIN;
	}
	return 0;
}

/* If the process has ended meanwhile, its mappings are closed by somebody who holds none of the driver's locks. */
void vmctx_mm_unlock(struct mm_struct *mm)
{
	mmap_read_unlock(mm);
	mmput_async(mm);
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
