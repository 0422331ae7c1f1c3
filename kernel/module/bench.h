/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * The Rust half of the bench module (kernel/rust/src/bench.rs), as its C half calls it.
 */
#ifndef VMCTX_BENCH_H
#define VMCTX_BENCH_H

#include <linux/fs.h>
#include <linux/mm_types.h>

int vmctx_bench_load(size_t count, void **bench, struct page ***pages);
void vmctx_bench_unload(void *bench);
int vmctx_bench_fault(void *bench, struct file *file, struct vm_area_struct *vma);
int vmctx_bench_around(void *bench, struct file *file, struct vm_area_struct *vma);
int vmctx_bench_window(void *bench, struct file *file, struct vm_area_struct *vma);
int vmctx_bench_page(void *bench, struct file *file, struct vm_area_struct *vma);
int vmctx_bench_pages(void *bench, struct file *file, struct vm_area_struct *vma);
int vmctx_bench_map(void *bench, struct file *file, struct vm_area_struct *vma);

#endif
