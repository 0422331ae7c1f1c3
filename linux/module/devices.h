/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the module's devices offer beside mmap. read(2) and write(2) at an offset reach the device's own memory.
 *
 * ioctl(fd, VMCTX_GAUGE, &gauge) gives a number that only the inside knows: `which` is
 *   0  references of page `page` of the device's memory
 *   1  dax: blocks in use
 *   2  dev_mem: frame number of the registers
 *   3  dev_mem: frame number of a page of RAM
 *   4  dev_mem: pages of registers
 *  10  release, race: lets the handlers that wait go on
 *  11  race: faults that have arrived in the handler
 *  12  release: faults that have given up their lock
 *  13  race: insertions that found an entry in place
 *  14  release, neighbours: states of mappings that were dropped
 *  15  release: handlers that have found their state after their lock was gone
 *  20  and above: vmctx_count of vmctx.h, minus 20
 * and the value comes back in `value`.
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

#endif
