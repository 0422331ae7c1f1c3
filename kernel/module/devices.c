// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The devices of the test module: a node for each driver, /dev/vmctx-NAME, every opening of which is a device of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
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

/* The Rust half (kernel/rust). */
bool vmctx_device_name(unsigned int index, u8 *name, size_t len);
int vmctx_device_open(unsigned int index, struct file *file, void **handle);
void vmctx_device_release(void *handle);
struct vm_area_desc;
int vmctx_device_mmap(void *handle, struct file *file, struct vm_area_struct *vma);
bool vmctx_device_describes(void *handle);
int vmctx_device_mmap_prepare(struct vm_area_desc *desc);
int vmctx_device_read(void *handle, size_t offset, u8 *into, size_t len);
int vmctx_device_write(void *handle, size_t offset, const u8 *from, size_t len);
long vmctx_device_references(void *handle, size_t page);
int vmctx_device_control(void *handle, unsigned int request, u64 argument, u64 *value);

/* For it. */
int vmctx_bar_take(size_t pages, u64 *pfn, void **memory);
void vmctx_bar_give(u64 pfn, size_t pages);
unsigned int vmctx_page_references(struct page **page);

/*
 * Device memory: the BAR of an ivshmem device, which is memory without struct pages. Large entries have room in it.
 */
#define BAR_PAGES (8 * PMD_SIZE >> PAGE_SHIFT)

static struct pci_dev *pci;
static resource_size_t bar_start;
static u8 __iomem *bar_memory;
static DECLARE_BITMAP(bar_taken, BAR_PAGES);
static DEFINE_SPINLOCK(bar_lock);

/* So many pages, zeroed; the first is aligned to their number, if that is a power of two. */
int vmctx_bar_take(size_t pages, u64 *pfn, void **memory)
{
	unsigned long first;

	if (!bar_memory)
		return -ENODEV;
	if (!pages || pages > BAR_PAGES)
		return -EINVAL;
	spin_lock(&bar_lock);
	first = bitmap_find_next_zero_area(bar_taken, BAR_PAGES, 0, pages, roundup_pow_of_two(pages) - 1);
	if (first < BAR_PAGES)
		bitmap_set(bar_taken, first, pages);
	spin_unlock(&bar_lock);
	if (first >= BAR_PAGES)
		return -EBUSY;
	*pfn = (bar_start >> PAGE_SHIFT) + first;
	*memory = (__force void *)bar_memory + first * PAGE_SIZE;
	memset(*memory, 0, pages * PAGE_SIZE);
	return 0;
}

void vmctx_bar_give(u64 pfn, size_t pages)
{
	spin_lock(&bar_lock);
	bitmap_clear(bar_taken, pfn - (bar_start >> PAGE_SHIFT), pages);
	spin_unlock(&bar_lock);
}

unsigned int vmctx_page_references(struct page **page)
{
	return page_ref_count(*page);
}

static struct {
	struct miscdevice node;
	char name[40];
} devices[64];

static int device_release(struct inode *inode, struct file *file)
{
	vmctx_device_release(file->private_data);
	return 0;
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vmctx_device_mmap(file->private_data, file, vma);
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

/* What KVM does where it finds no entry: a fault for the user, then a look at what that has brought. */
static int store_for_kvm(unsigned long address)
{
	bool unlocked = false, ram, writable = false;
	struct vm_area_struct *vma;
	int err;

	mmap_read_lock(current->mm);
	err = fixup_user_fault(current->mm, address, FAULT_FLAG_WRITE, &unlocked);
	vma = vma_lookup(current->mm, address);
	if (!err && (!vma || look_at_entry(vma, address, &ram, &writable) || !writable))
		err = -EFAULT;
	mmap_read_unlock(current->mm);
	return err;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vmctx_gauge gauge;
	__u64 address;
	long count;
	int err;

	if (cmd == VMCTX_STORE_FOR_KVM)
		return copy_from_user(&address, (void __user *)arg, sizeof(address)) ? -EFAULT : store_for_kvm(address);
	if (cmd != VMCTX_GAUGE)
		return -ENOTTY;
	if (copy_from_user(&gauge, (void __user *)arg, sizeof(gauge)))
		return -EFAULT;
	if (gauge.which > U32_MAX)
		return -EINVAL;
	if (gauge.which > 0 && gauge.which < 20) {
		err = vmctx_device_control(file->private_data, gauge.which, gauge.page, &gauge.value);
		if (err)
			return err;
	} else {
		count = gauge.which ? vmctx_count(gauge.which - 20) : vmctx_device_references(file->private_data, gauge.page);
		if (count < 0)
			return count;
		gauge.value = count;
	}
	return copy_to_user((void __user *)arg, &gauge, sizeof(gauge)) ? -EFAULT : 0;
}

/* What the files of all devices have, however they are mapped. */
#define DEVICE_FOPS \
	.owner = THIS_MODULE, .release = device_release, .read = device_read, .write = device_write, \
	.unlocked_ioctl = device_ioctl, .llseek = default_llseek

#ifdef VMCTX_MMAP_PREPARE
static const struct file_operations describing_fops = {
	DEVICE_FOPS,
	.mmap_prepare = vmctx_device_mmap_prepare,
};
#endif

static int device_open(struct inode *inode, struct file *file)
{
	/* The misc core has left the node there. */
	struct miscdevice *node = file->private_data;
	void *handle;
	int err = vmctx_device_open(container_of(node, typeof(devices[0]), node) - devices, file, &handle);

	if (err)
		return err;
	file->private_data = handle;
#ifdef VMCTX_MMAP_PREPARE
	/* The kernel takes no file operations with both hooks. */
	if (vmctx_device_describes(handle))
		replace_fops(file, fops_get(&describing_fops));
#endif
	return 0;
}

static const struct file_operations device_fops = {
	DEVICE_FOPS,
	.open = device_open,
	.mmap = device_mmap,
};

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
	if (pci_resource_len(pci, 2) < BAR_PAGES * PAGE_SIZE)
		return -ENODEV;
	bar_memory = ioremap(bar_start, BAR_PAGES * PAGE_SIZE);
	return bar_memory ? 0 : -ENOMEM;
}

static void bar_forget(void)
{
	if (bar_memory)
		iounmap(bar_memory);
	pci_dev_put(pci);
}

static size_t registered;

static void nodes_remove(void)
{
	while (registered)
		misc_deregister(&devices[--registered].node);
}

static int nodes_make(void)
{
	static const char prefix[] = "vmctx-";
	size_t len = sizeof(prefix) - 1;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char *name = devices[i].name;
		struct miscdevice *node = &devices[i].node;

		memcpy(name, prefix, len);
		if (!vmctx_device_name(i, name + len, sizeof(devices[i].name) - len))
			return 0;
		node->minor = MISC_DYNAMIC_MINOR;
		node->name = name;
		node->fops = &device_fops;
		node->mode = 0666;
		err = misc_register(node);
		if (err)
			return err;
		registered++;
	}
	pr_err("more devices than there is room for\n");
	return -ENFILE;
}

static int __init vmctx_init(void)
{
	int err = bar_find();

	if (!err)
		err = nodes_make();
	if (err) {
		nodes_remove();
		bar_forget();
	}
	return err;
}

static void __exit vmctx_exit(void)
{
	nodes_remove();
	bar_forget();
	pr_info("unloaded with %ld page references and %ld allocations left\n",
		vmctx_count(VMCTX_PAGES), vmctx_count(VMCTX_ALLOCATIONS));
}

module_init(vmctx_init);
module_exit(vmctx_exit);
MODULE_DESCRIPTION("The drivers of vmctx-drivers, in a kernel");
MODULE_LICENSE("Dual MIT/GPL");
