// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What kernel/bench measures: drivers in C, each beside a node of its twin in Rust (kernel/rust/src/bench/drivers.rs).
 * Both map the same pages.
 *
 *   /dev/vmctx-bench-c-NAME, /dev/vmctx-bench-rust-NAME
 */
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "bench.h"
#include "compat.h"

/* What the longest measured mapping has. */
#define BENCH_PAGES (SZ_256M >> PAGE_SHIFT)
/* How many pages a fault of `around` or `window` brings. */
#define AROUND 16UL

/* Pages that are mapped. */
struct object {
	struct kref refs;
	struct page **pages;
	unsigned long count;
};

/* Lives as long as the module, whose own reference is the last. */
static struct object object = { .refs = KREF_INIT(1) };

static void object_release(struct kref *refs)
{
}

static void object_vm_open(struct vm_area_struct *vma)
{
	struct object *object = vma->vm_private_data;

	kref_get(&object->refs);
}

static void object_vm_close(struct vm_area_struct *vma)
{
	struct object *object = vma->vm_private_data;

	kref_put(&object->refs, object_release);
}

static int object_establish(struct object *object, struct vm_area_struct *vma, const struct vm_operations_struct *ops)
{
	vm_flags_set(vma, VM_DONTEXPAND | VM_MIXEDMAP);
	kref_get(&object->refs);
	vma->vm_private_data = object;
	vma->vm_ops = ops;
	return 0;
}

/* fault: a page where it is touched. */
static vm_fault_t fault_fault(struct vm_fault *vmf)
{
	struct object *object = vmf->vma->vm_private_data;

	if (vmf->pgoff >= object->count)
		return VM_FAULT_SIGBUS;
	return vmf_insert_page(vmf->vma, vmf->address, object->pages[vmf->pgoff]);
}

static const struct vm_operations_struct fault_ops = {
	.open = object_vm_open,
	.close = object_vm_close,
	.fault = fault_fault,
};

static int fault_mmap(struct file *file, struct vm_area_struct *vma)
{
	return object_establish(file->private_data, vma, &fault_ops);
}

/* around: where it is touched, and its neighbours. */
static vm_fault_t around_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct object *object = vma->vm_private_data;
	pgoff_t first = round_down(vmf->pgoff, AROUND), at;

	if (vmf->pgoff >= object->count)
		return VM_FAULT_SIGBUS;
	for (at = first; at < first + AROUND; at++) {
		if (at == vmf->pgoff || at >= object->count)
			continue;
		if (at < vma->vm_pgoff || at - vma->vm_pgoff >= vma_pages(vma))
			continue;
		if (vm_insert_page(vma, vma->vm_start + ((at - vma->vm_pgoff) << PAGE_SHIFT), object->pages[at]) == -ENOMEM)
			break;
	}
	return vmf_insert_page(vma, vmf->address, object->pages[vmf->pgoff]);
}

static const struct vm_operations_struct around_ops = {
	.open = object_vm_open,
	.close = object_vm_close,
	.fault = around_fault,
};

static int around_mmap(struct file *file, struct vm_area_struct *vma)
{
	return object_establish(file->private_data, vma, &around_ops);
}

/* window: where it is touched, and its neighbours, those on either side of it at once. */
static void window_insert(struct vm_area_struct *vma, struct object *object, pgoff_t at, pgoff_t end)
{
	while (at < end) {
		unsigned long address = vma->vm_start + ((at - vma->vm_pgoff) << PAGE_SHIFT), left = end - at;
		int err = vm_insert_pages(vma, address, object->pages + at, &left);

		if (!err || err == -ENOMEM || err == -EFAULT)
			return;
		/* Over what is there already. */
		at = end - left + 1;
	}
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct object *object = vma->vm_private_data;
	pgoff_t first = round_down(vmf->pgoff, AROUND), end = min(first + AROUND, object->count);

	if (vmf->pgoff >= object->count)
		return VM_FAULT_SIGBUS;
	first = max(first, vma->vm_pgoff);
	end = min(end, vma->vm_pgoff + vma_pages(vma));
	window_insert(vma, object, first, vmf->pgoff);
	window_insert(vma, object, vmf->pgoff + 1, end);
	return vmf_insert_page(vma, vmf->address, object->pages[vmf->pgoff]);
}

static const struct vm_operations_struct window_ops = {
	.open = object_vm_open,
	.close = object_vm_close,
	.fault = window_fault,
};

static int window_mmap(struct file *file, struct vm_area_struct *vma)
{
	return object_establish(file->private_data, vma, &window_ops);
}

/* page: page after page when it is mapped. */
static int page_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct object *object = file->private_data;
	unsigned long count = vma_pages(vma), address = vma->vm_start, i;
	int err;

	if (vma->vm_pgoff >= object->count || count > object->count - vma->vm_pgoff)
		return -ENXIO;
	vm_flags_set(vma, VM_DONTEXPAND);
	for (i = 0; i < count; i++) {
		err = vm_insert_page(vma, address, object->pages[vma->vm_pgoff + i]);
		if (err)
			return err;
		address += PAGE_SIZE;
	}
	return 0;
}

/* pages: all at once. */
static int pages_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct object *object = file->private_data;
	unsigned long count = vma_pages(vma);

	if (vma->vm_pgoff >= object->count || count > object->count - vma->vm_pgoff)
		return -ENXIO;
	vm_flags_set(vma, VM_DONTEXPAND);
	return vm_insert_pages(vma, vma->vm_start, object->pages + vma->vm_pgoff, &count);
}

/* map: all, by the kernel's own loop. */
static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct object *object = file->private_data;

	vm_flags_set(vma, VM_DONTEXPAND);
	return vm_map_pages(vma, object->pages, object->count);
}

static int c_open(struct inode *inode, struct file *file)
{
	file->private_data = &object;
	return 0;
}

/* The twins. */
static void *twins;

static int rust_open(struct inode *inode, struct file *file)
{
	file->private_data = twins;
	return 0;
}

#define NAMES(node) node(fault) node(around) node(window) node(page) node(pages) node(map)

#define TWIN(name)									\
static int rust_##name##_mmap(struct file *file, struct vm_area_struct *vma)		\
{											\
	return vmctx_bench_##name(file->private_data, file, vma);			\
}											\
static const struct file_operations c_##name##_fops = {				\
	.owner = THIS_MODULE, .open = c_open, .mmap = name##_mmap,			\
};											\
static const struct file_operations rust_##name##_fops = {				\
	.owner = THIS_MODULE, .open = rust_open, .mmap = rust_##name##_mmap,		\
};
NAMES(TWIN)

#define NODES(driver)										\
	{ .minor = MISC_DYNAMIC_MINOR, .name = "vmctx-bench-c-" #driver, .fops = &c_##driver##_fops },	\
	{ .minor = MISC_DYNAMIC_MINOR, .name = "vmctx-bench-rust-" #driver, .fops = &rust_##driver##_fops },
static struct miscdevice nodes[] = { NAMES(NODES) };

static void nodes_remove(size_t count)
{
	while (count--)
		misc_deregister(&nodes[count]);
}

static int __init bench_init(void)
{
	size_t i;
	int err = vmctx_bench_load(BENCH_PAGES, &twins, &object.pages);

	if (err)
		return err;
	object.count = BENCH_PAGES;
	for (i = 0; !err && i < ARRAY_SIZE(nodes); i++) {
		err = misc_register(&nodes[i]);
		if (err) {
			nodes_remove(i);
			vmctx_bench_unload(twins);
		}
	}
	return err;
}

static void __exit bench_exit(void)
{
	nodes_remove(ARRAY_SIZE(nodes));
	WARN_ON(kref_read(&object.refs) != 1);
	vmctx_bench_unload(twins);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Drivers in C and their twins in Rust, for kernel/bench");
MODULE_LICENSE("Dual MIT/GPL");
