// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What C lets a driver do: a node for each way to be wrong, /dev/vmctx-wrong-NAME. docs/linux.md has a row for each, with what the
 * kernel says to it; kernel/wrong shows that it does. A module of its own, for a machine that is thrown away.
 *
 * Each is as short as the mistake, and no driver here does anything else wrong.
 */
#include <linux/delay.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "compat.h"

/* A page, and a frame without one: the first of a BAR. */
static struct page *page;
static unsigned long frame;

/* The kind is not looked at, and a private mapping not refused. */
static int frames_mmap(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_PFNMAP);
	return 0;
}

static int pages_mmap(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_MIXEDMAP);
	return 0;
}

static int both_mmap(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_PFNMAP | VM_MIXEDMAP);
	return 0;
}

static vm_fault_t insert_frame(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, frame);
}

static vm_fault_t insert_frame_of_page(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
}

static vm_fault_t insert_page(struct vm_fault *vmf)
{
	int err = vm_insert_page(vmf->vma, vmf->address, page);

	return err && err != -EBUSY ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

static vm_fault_t insert_pages(struct vm_fault *vmf)
{
	unsigned long left = 1;
	int err = vm_insert_pages(vmf->vma, vmf->address, &page, &left);

	return err && err != -EBUSY ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

static int page_among_frames_mmap(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_PFNMAP);
	return vm_insert_page(vma, vma->vm_start, page);
}

static int pages_among_frames_mmap(struct vm_area_struct *vma)
{
	unsigned long left = 1;

	vm_flags_set(vma, VM_PFNMAP);
	return vm_insert_pages(vma, vma->vm_start, &page, &left);
}

static vm_fault_t insert_huge_frame(struct vm_fault *vmf)
{
	return insert_pfn_pmd(vmf, frame, false);
}

static vm_fault_t insert_giant_frame(struct vm_fault *vmf)
{
	return insert_pfn_pud(vmf, frame, false);
}

/* An entry for frames in a mapping that may also hold pages: the kernel looks for its page. */
static vm_fault_t insert_huge_or_fall_back(struct vm_fault *vmf, huge_fault_t size)
{
	if (size != HUGE_FAULT_PMD)
		return VM_FAULT_FALLBACK;
	return insert_pfn_pmd(vmf, frame, false);
}

/* Where the memory is by now, for a store to where it was. */
static vm_fault_t insert_other_huge(struct vm_fault *vmf, huge_fault_t size)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;

	if (size != HUGE_FAULT_PMD)
		return VM_FAULT_FALLBACK;
	return insert_pfn_pmd(vmf, frame + (write ? HPAGE_PMD_NR : 0), write);
}

static vm_fault_t allow_store(struct vm_fault *vmf)
{
	return 0;
}

/* A page that is not at hand is waited for. */
static vm_fault_t wait_around(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	msleep(10);
	return 0;
}

static int remap_twice_mmap(struct vm_area_struct *vma)
{
	int err = remap_pfn_range(vma, vma->vm_start, frame, PAGE_SIZE, vma->vm_page_prot);

	return err ?: remap_pfn_range(vma, vma->vm_start, frame, PAGE_SIZE, vma->vm_page_prot);
}

static int remap_unaligned_mmap(struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start + 0x123, frame, PAGE_SIZE, vma->vm_page_prot);
}

static int remap_nothing_mmap(struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, frame, 0, vma->vm_page_prot);
}

/* The offset is the user's, and taken for a frame. */
static int remap_beyond_mmap(struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

/* Nothing is wrong with this one. */
static int remap_mmap(struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, frame, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

/* What belongs to mmap. */
static vm_fault_t remap(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	int err = remap_pfn_range(vma, vma->vm_start, frame, vma->vm_end - vma->vm_start, vma->vm_page_prot);

	return err ? vmf_error(err) : VM_FAULT_NOPAGE;
}

static int move_start_mmap(struct vm_area_struct *vma)
{
	vma->vm_start += PAGE_SIZE;
	return 0;
}

static int any_mmap(struct vm_area_struct *vma)
{
	return 0;
}

static vm_fault_t no_page(struct vm_fault *vmf)
{
	return 0;
}

static vm_fault_t fall_back(struct vm_fault *vmf)
{
	return VM_FAULT_FALLBACK;
}

/* Nothing but sparse keeps the two conventions apart. */
static vm_fault_t answer_errno(struct vm_fault *vmf)
{
	return (__force vm_fault_t)-EFAULT;
}

static vm_fault_t retry_once(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_TRIED))
		return VM_FAULT_RETRY;
	return vmf_insert_page(vmf->vma, vmf->address, page);
}

static const struct {
	const char *name;
	int (*mmap)(struct vm_area_struct *vma);
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*huge_fault)(struct vm_fault *vmf, huge_fault_t size);
	vm_fault_t (*map_pages)(struct vm_fault *vmf, pgoff_t first, pgoff_t last);
	vm_fault_t (*pfn_mkwrite)(struct vm_fault *vmf);
} wrong[] = {
	{ "vmctx-wrong-page_in_fault", any_mmap, insert_page },
	{ "vmctx-wrong-pages_in_fault", any_mmap, insert_pages },
	{ "vmctx-wrong-page_among_frames", page_among_frames_mmap },
	{ "vmctx-wrong-pages_among_frames", pages_among_frames_mmap },
	{ "vmctx-wrong-frame_without_kind", any_mmap, insert_frame },
	{ "vmctx-wrong-frame_of_both_kinds", both_mmap, insert_frame },
	{ "vmctx-wrong-cow_of_frames", frames_mmap, insert_frame },
	{ "vmctx-wrong-frame_of_page", pages_mmap, insert_frame_of_page },
	{ "vmctx-wrong-remap_twice", remap_twice_mmap },
	{ "vmctx-wrong-remap_unaligned", remap_unaligned_mmap },
	{ "vmctx-wrong-remap_nothing", remap_nothing_mmap },
	{ "vmctx-wrong-remap_beyond", remap_beyond_mmap },
	{ "vmctx-wrong-remap_fails", remap_mmap },
	{ "vmctx-wrong-remap_in_fault", any_mmap, remap },
	{ "vmctx-wrong-huge_without_kind", any_mmap, insert_huge_frame },
	{ "vmctx-wrong-giant_without_kind", any_mmap, insert_giant_frame },
	{ "vmctx-wrong-huge_looked_at", pages_mmap, insert_frame, .huge_fault = insert_huge_or_fall_back },
	{ "vmctx-wrong-huge_other_frame", frames_mmap, insert_frame, .huge_fault = insert_other_huge, .pfn_mkwrite = allow_store },
	{ "vmctx-wrong-sleep_in_map_pages", pages_mmap, insert_page, .map_pages = wait_around },
	{ "vmctx-wrong-moved_start", move_start_mmap },
	{ "vmctx-wrong-no_page", any_mmap, no_page },
	{ "vmctx-wrong-fallback", any_mmap, fall_back },
	{ "vmctx-wrong-fallback_in_gup", any_mmap, fall_back },
	{ "vmctx-wrong-errno_as_answer", any_mmap, answer_errno },
	{ "vmctx-wrong-retry_with_the_lock", pages_mmap, retry_once },
};

static struct miscdevice nodes[ARRAY_SIZE(wrong)];
static struct vm_operations_struct ops[ARRAY_SIZE(wrong)];

static int wrong_open(struct inode *inode, struct file *file)
{
	return 0;
}

static int wrong_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* The misc core has left the node there. */
	struct miscdevice *node = file->private_data;
	size_t index = node - nodes;

	vma->vm_ops = &ops[index];
	return wrong[index].mmap(vma);
}

static const struct file_operations wrong_fops = {
	.owner = THIS_MODULE,
	.open = wrong_open,
	.mmap = wrong_mmap,
};

static int __init wrong_init(void)
{
	struct pci_dev *pci = pci_get_device(0x1af4, 0x1110, NULL);
	size_t i;
	int err = 0;

	if (!pci)
		return -ENODEV;
	frame = pci_resource_start(pci, 2) >> PAGE_SHIFT;
	pci_dev_put(pci);
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	for (i = 0; !err && i < ARRAY_SIZE(wrong); i++) {
		ops[i].fault = wrong[i].fault;
		ops[i].huge_fault = wrong[i].huge_fault;
		ops[i].map_pages = wrong[i].map_pages;
		ops[i].pfn_mkwrite = wrong[i].pfn_mkwrite;
		nodes[i].minor = MISC_DYNAMIC_MINOR;
		nodes[i].name = wrong[i].name;
		nodes[i].fops = &wrong_fops;
		nodes[i].mode = 0666;
		err = misc_register(&nodes[i]);
	}
	/* Without an exit the module stays: so does the machine's end, which is near. */
	return err;
}

module_init(wrong_init);
MODULE_DESCRIPTION("Drivers that are wrong on purpose");
MODULE_LICENSE("Dual MIT/GPL");
