// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The C half of the smallest module: a device node, and its file operations.
 */
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

int smallest_open(void **file);
void smallest_release(void *file);
int smallest_mmap(void *device, struct file *file, struct vm_area_struct *vma);

static int c_open(struct inode *inode, struct file *file)
{
	return smallest_open(&file->private_data);
}

static int c_release(struct inode *inode, struct file *file)
{
	smallest_release(file->private_data);
	return 0;
}

static int c_mmap(struct file *file, struct vm_area_struct *vma)
{
	return smallest_mmap(file->private_data, file, vma);
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = c_open,
	.release = c_release,
	.mmap = c_mmap,
};

static struct miscdevice node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "smallest",
	.fops = &fops,
};

module_misc_device(node);
MODULE_DESCRIPTION("One page, shared");
MODULE_LICENSE("Dual MIT/GPL");
