// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What Rust knows of the kernel's structures and constants. It is compiled with the headers of the kernel at hand, as the kernel compiles
 * its own asm-offsets.c, and only as far as assembler; build.rs makes Rust of the lines that begin with "->". Without a kernel, when the
 * crate is checked or documented, build.rs reads the names below.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include "compat.h"

#define FACT(what, ...) asm volatile("\n.ascii \"->" what "\"" : : __VA_ARGS__)

/* A field, with the type that it has in Rust. */
#define FIELD(structure, field, type) \
	FACT("field " #structure " " #field " %0 %1 " #type, "i"(offsetof(struct structure, field)), "i"(sizeof_field(struct structure, field)))
/* How many bytes a structure has that the kernel reads and Rust makes. The others end, for Rust, with their last field. */
#define SIZE(structure) FACT("size " #structure " %0", "i"(sizeof(struct structure)))
#define VALUE(name) FACT("value " #name " %0", "i"((unsigned long)(name)))

static void __used facts(void)
{
	FIELD(vm_area_struct, vm_start, usize);
	FIELD(vm_area_struct, vm_end, usize);
	FIELD(vm_area_struct, vm_mm, *mut mm_struct);
	FIELD(vm_area_struct, vm_flags, u64);
	FIELD(vm_area_struct, vm_ops, *const vm_operations_struct);
	FIELD(vm_area_struct, vm_pgoff, usize);
	FIELD(vm_area_struct, vm_file, *mut c_void);
	FIELD(vm_area_struct, vm_private_data, *mut c_void);

	FIELD(vm_fault, vma, *mut vm_area_struct);
	FIELD(vm_fault, pgoff, usize);
	FIELD(vm_fault, address, usize);
	FIELD(vm_fault, real_address, usize);
	FIELD(vm_fault, flags, c_uint);

	FIELD(vm_operations_struct, open, Option<VmaHook>);
	FIELD(vm_operations_struct, close, Option<VmaHook>);
	FIELD(vm_operations_struct, may_split, Option<MaySplitHook>);
	FIELD(vm_operations_struct, mremap, Option<MremapHook>);
	FIELD(vm_operations_struct, mprotect, Option<MprotectHook>);
	FIELD(vm_operations_struct, fault, Option<FaultHook>);
	FIELD(vm_operations_struct, huge_fault, Option<HugeFaultHook>);
	FIELD(vm_operations_struct, map_pages, Option<MapPagesHook>);
	FIELD(vm_operations_struct, page_mkwrite, Option<FaultHook>);
	FIELD(vm_operations_struct, pfn_mkwrite, Option<FaultHook>);
	FIELD(vm_operations_struct, access, Option<AccessHook>);
	SIZE(vm_operations_struct);

#ifdef VMCTX_MMAP_PREPARE
	FIELD(vm_operations_struct, mapped, Option<MappedHook>);
	FIELD(file, private_data, *mut c_void);
	FIELD(vm_area_desc, file, *mut c_void);
	FIELD(vm_area_desc, start, usize);
	FIELD(vm_area_desc, end, usize);
	FIELD(vm_area_desc, pgoff, usize);
	FIELD(vm_area_desc, vm_file, *mut c_void);
	FIELD(vm_area_desc, vma_flags, u64);
	FIELD(vm_area_desc, vm_ops, *const vm_operations_struct);
	FIELD(vm_area_desc, private_data, *mut c_void);
#endif

	VALUE(PAGE_SHIFT);
	/* What vm_ops->huge_fault is called with. */
	VALUE(HUGE_FAULT_PMD);
	VALUE(HUGE_FAULT_PUD);
	VALUE(VM_READ);
	VALUE(VM_WRITE);
	VALUE(VM_EXEC);
	VALUE(VM_SHARED);
	VALUE(VM_MAYREAD);
	VALUE(VM_MAYWRITE);
	VALUE(VM_MAYEXEC);
	VALUE(VM_MAYSHARE);
	VALUE(VM_PFNMAP);
	VALUE(VM_IO);
	VALUE(VM_DONTCOPY);
	VALUE(VM_DONTEXPAND);
	VALUE(VM_DONTDUMP);
	VALUE(VM_MIXEDMAP);
	VALUE(VM_ALLOW_ANY_UNCACHED);
	VALUE(FAULT_FLAG_WRITE);
	VALUE(FAULT_FLAG_MKWRITE);
	VALUE(FAULT_FLAG_ALLOW_RETRY);
	VALUE(FAULT_FLAG_RETRY_NOWAIT);
	VALUE(FAULT_FLAG_KILLABLE);
	VALUE(FAULT_FLAG_TRIED);
	VALUE(FAULT_FLAG_USER);
	VALUE(FAULT_FLAG_REMOTE);
	VALUE(FAULT_FLAG_INSTRUCTION);
	VALUE(FAULT_FLAG_INTERRUPTIBLE);
	VALUE(FAULT_FLAG_VMA_LOCK);
	VALUE(VM_FAULT_OOM);
	VALUE(VM_FAULT_SIGBUS);
	VALUE(VM_FAULT_MAJOR);
	VALUE(VM_FAULT_HWPOISON);
	VALUE(VM_FAULT_SIGSEGV);
	VALUE(VM_FAULT_NOPAGE);
	VALUE(VM_FAULT_LOCKED);
	VALUE(VM_FAULT_RETRY);
	VALUE(VM_FAULT_FALLBACK);
	VALUE(ESRCH);
	VALUE(EINTR);
	VALUE(ENXIO);
	VALUE(EAGAIN);
	VALUE(ENOMEM);
	VALUE(EFAULT);
	VALUE(EBUSY);
	VALUE(EINVAL);
	VALUE(ENOSPC);
	VALUE(EDEADLK);
	VALUE(EOVERFLOW);
	VALUE(EHWPOISON);
	VALUE(ERESTARTSYS);
}
