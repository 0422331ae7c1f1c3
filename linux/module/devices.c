// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The devices of the test module: a node for each driver, /dev/vmctx-NAME, every opening of which is a device of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "devices.h"
#include "vmctx.h"

/* The Rust half (linux/rust). */
int vmctx_device_open(unsigned int index, bool sync, void **handle);
void vmctx_device_release(void *handle);
int vmctx_device_mmap(void *handle, struct vm_area_struct *vma);
int vmctx_device_read(void *handle, size_t offset, u8 *into, size_t len);
int vmctx_device_write(void *handle, size_t offset, const u8 *from, size_t len);
long vmctx_device_gauge(void *handle, unsigned int which, size_t page);

/* For it. */
int vmctx_bar_take(size_t pages, u64 *pfn, void **memory);
void vmctx_bar_give(u64 pfn);
u64 vmctx_page_pfn(struct page **page);
unsigned int vmctx_page_references(struct page **page);

/*
 * Device memory: the BAR of an ivshmem device, which is memory without struct pages. In parts of SLOT_PAGES each.
 */
#define SLOT_PAGES 32UL
#define SLOTS 64

static struct pci_dev *pci;
static resource_size_t bar_start;
static u8 __iomem *bar_memory;
static DECLARE_BITMAP(bar_taken, SLOTS);
static DEFINE_SPINLOCK(bar_lock);

int vmctx_bar_take(size_t pages, u64 *pfn, void **memory)
{
	unsigned long slot;

	if (!bar_memory)
		return -ENODEV;
	if (pages > SLOT_PAGES)
		return -EINVAL;
	spin_lock(&bar_lock);
	slot = find_first_zero_bit(bar_taken, SLOTS);
	if (slot < SLOTS)
		__set_bit(slot, bar_taken);
	spin_unlock(&bar_lock);
	if (slot == SLOTS)
		return -EBUSY;
	*pfn = (bar_start >> PAGE_SHIFT) + slot * SLOT_PAGES;
	*memory = (__force void *)bar_memory + slot * SLOT_PAGES * PAGE_SIZE;
	return 0;
}

void vmctx_bar_give(u64 pfn)
{
	spin_lock(&bar_lock);
	__clear_bit((pfn - (bar_start >> PAGE_SHIFT)) / SLOT_PAGES, bar_taken);
	spin_unlock(&bar_lock);
}

u64 vmctx_page_pfn(struct page **page)
{
	return page_to_pfn(*page);
}

unsigned int vmctx_page_references(struct page **page)
{
	return page_ref_count(*page);
}

static const char *const names[] = {
	"vmctx-kcov", "vmctx-cfag12864b", "vmctx-rockchip_gem", "vmctx-vgem",
	"vmctx-dax", "vmctx-relay", "vmctx-xive", "vmctx-dev_mem",
	"vmctx-release", "vmctx-release_vma_lock", "vmctx-race", "vmctx-neighbours",
	"vmctx-panic",
};

static struct miscdevice nodes[ARRAY_SIZE(names)];

static int device_open(struct inode *inode, struct file *file)
{
	/* The misc core has left the node there. */
	struct miscdevice *node = file->private_data;
	void *handle;
	int err = vmctx_device_open(node - nodes, file->f_flags & O_SYNC, &handle);

	if (!err)
		file->private_data = handle;
	return err;
}

static int device_release(struct inode *inode, struct file *file)
{
	vmctx_device_release(file->private_data);
	return 0;
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vmctx_device_mmap(file->private_data, vma);
}

/*
 * Faults run under the VMA lock only where map_pages is set. Which does nothing here, so that they get to the fault hook.
 */
static vm_fault_t map_nothing(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}

static int device_mmap_vma_lock(struct file *file, struct vm_area_struct *vma)
{
	static struct vm_operations_struct ops;
	int err = vmctx_device_mmap(file->private_data, vma);

	if (!err) {
		ops = *vma->vm_ops;
		ops.map_pages = map_nothing;
		vma->vm_ops = &ops;
	}
	return err;
}

static ssize_t device_read(struct file *file, char __user *to, size_t len, loff_t *offset)
{
	u8 bytes[256];
	int err;

	len = min(len, sizeof(bytes));
	err = vmctx_device_read(file->private_data, *offset, bytes, len);
	if (err)
		return err;
	if (copy_to_user(to, bytes, len))
		return -EFAULT;
	*offset += len;
	return len;
}

static ssize_t device_write(struct file *file, const char __user *from, size_t len, loff_t *offset)
{
	u8 bytes[256];
	int err;

	len = min(len, sizeof(bytes));
	if (copy_from_user(bytes, from, len))
		return -EFAULT;
	err = vmctx_device_write(file->private_data, *offset, bytes, len);
	if (err)
		return err;
	*offset += len;
	return len;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vmctx_gauge gauge;
	long value;

	if (cmd != VMCTX_GAUGE)
		return -ENOTTY;
	if (copy_from_user(&gauge, (void __user *)arg, sizeof(gauge)))
		return -EFAULT;
	if (gauge.which > U32_MAX)
		return -EINVAL;
	if (gauge.which >= 20)
		value = vmctx_count(gauge.which - 20);
	else
		value = vmctx_device_gauge(file->private_data, gauge.which, gauge.page);
	if (value < 0)
		return value;
	gauge.value = value;
	return copy_to_user((void __user *)arg, &gauge, sizeof(gauge)) ? -EFAULT : 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.mmap = device_mmap,
	.read = device_read,
	.write = device_write,
	.unlocked_ioctl = device_ioctl,
	.llseek = default_llseek,
};

static struct file_operations device_fops_vma_lock;

static int bar_find(void)
{
	int err;

	pci = pci_get_device(0x1af4, 0x1110, NULL);
	if (!pci)
		return -ENODEV;
	err = pci_enable_device(pci);
	if (err)
		return err;
	bar_start = pci_resource_start(pci, 2);
	if (pci_resource_len(pci, 2) < SLOTS * SLOT_PAGES * PAGE_SIZE)
		return -ENODEV;
	bar_memory = ioremap(bar_start, SLOTS * SLOT_PAGES * PAGE_SIZE);
	return bar_memory ? 0 : -ENOMEM;
}

static void bar_forget(void)
{
	if (bar_memory)
		iounmap(bar_memory);
	pci_dev_put(pci);
}

static void nodes_remove(size_t count)
{
	while (count--)
		misc_deregister(&nodes[count]);
}

static int __init vmctx_init(void)
{
	size_t i;
	int err = bar_find();

	device_fops_vma_lock = device_fops;
	device_fops_vma_lock.mmap = device_mmap_vma_lock;
	for (i = 0; !err && i < ARRAY_SIZE(names); i++) {
		nodes[i].minor = MISC_DYNAMIC_MINOR;
		nodes[i].name = names[i];
		nodes[i].fops = strcmp(names[i], "vmctx-release_vma_lock") ? &device_fops : &device_fops_vma_lock;
		nodes[i].mode = 0666;
		err = misc_register(&nodes[i]);
		if (err)
			nodes_remove(i);
	}
	if (err)
		bar_forget();
	return err;
}

static void __exit vmctx_exit(void)
{
	nodes_remove(ARRAY_SIZE(names));
	bar_forget();
	pr_info("unloaded with %ld page references and %ld allocations left\n",
		vmctx_count(VMCTX_PAGES), vmctx_count(VMCTX_ALLOCATIONS));
}

module_init(vmctx_init);
module_exit(vmctx_exit);
MODULE_DESCRIPTION("The drivers of vmctx-drivers, in a kernel");
MODULE_LICENSE("Dual MIT/GPL");
