/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the module's devices offer beside mmap. read(2) and write(2) at an offset reach the device's own memory.
 *
 * ioctl(fd, VMCTX_GAUGE, &gauge) asks: `which` is
 *   0  references of page `page` of the device's memory
 *   1 to 19  a request of the device's own, with the argument `page`: its file in conformance/src/devices says which,
 *            and for the edge devices kernel/rust/src/edge/requests.rs
 *  20  and above: vmctx_count of vmctx.h, minus 20
 * and the value comes back in `value`.
 *
 * ioctl(fd, VMCTX_STORE_FOR_KVM, &address) does for a store at an address what KVM does for a guest's (hva_to_pfn_remapped): one fault,
 * and then a look at the entry. EFAULT, if that is not writable.
 */
#ifndef VMCTX_DEVICES_H
#define VMCTX_DEVICES_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct vmctx_gauge {
	__u64 which;
	__u64 page;
	__u64 value;
};

#define VMCTX_GAUGE _IOWR('v', 0, struct vmctx_gauge)
#define VMCTX_STORE_FOR_KVM _IOW('v', 1, __u64)

#endif
