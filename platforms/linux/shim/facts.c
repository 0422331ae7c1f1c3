// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What Rust knows of the kernel's structures and constants. It is compiled with the headers of the kernel at hand, as the kernel compiles
 * its own asm-offsets.c, and only as far as assembler; build.rs makes Rust of the lines that begin with "->". Without a kernel, when the
 * crate is checked or documented, build.rs reads the names below.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rwsem.h>

#include "compat.h"

#define FACT(what, ...) asm volatile("\n.ascii \"->" what "\"" : : __VA_ARGS__)

/* A field, with the type that it has in Rust. */
#define FIELD(structure, field, type) \
	FACT("field " #structure " " #field " %0 %1 " #type, "i"(offsetof(struct structure, field)), "i"(sizeof_field(struct structure, field)))
/* How many bytes a structure has that the kernel reads and Rust makes. The others end, for Rust, with their last field. */
#define SIZE(structure) FACT("size " #structure " %0", "i"(sizeof(struct structure)))
#define VALUE(name) FACT("value " #name " %0", "i"((unsigned long)(name)))
/* What the core has a number of its own for: what, its type and name there, and the number here. */
#define VMA_FLAG(name) FACT("same VmFlags " #name " %0", "i"((unsigned long)VM_##name))
#define FAULT_FLAG(name) FACT("same FaultFlags " #name " %0", "i"((unsigned long)FAULT_FLAG_##name))
#define FAULT_CODE(name) FACT("same FaultCode " #name " %0", "i"((unsigned long)VM_FAULT_##name))
#define ERRNO(name) FACT("same Errno " #name " %0", "i"((unsigned long)name))
/* Zero on a kernel that has no such flag. */
#define VMA_FLAG_IF_THERE(name) FACT("same_if_there VmFlags " #name " %0", "i"((unsigned long)VM_##name))
#define FAULT_FLAG_IF_THERE(name) FACT("same_if_there FaultFlags " #name " %0", "i"((unsigned long)FAULT_FLAG_##name))

/*
 * Functions that Rust declares (ffi.rs), and hooks that it defines: where the kernel at hand has them otherwise, nothing is built. A
 * vm_fault_t is an unsigned int, and so is what vm_ops->huge_fault is told.
 */
#define SAME(what, name, ...) \
	static_assert(__builtin_types_compatible_p(typeof(what), __VA_ARGS__), "platforms/linux/src/ffi.rs declares another " name)
#define FUNCTION(name, ...) SAME(name, #name, __VA_ARGS__)
#define HOOK(name, result, ...) \
	SAME(((struct vm_operations_struct *)NULL)->name, "vm_ops->" #name, result (*)(__VA_ARGS__))

HOOK(open, void, struct vm_area_struct *);
HOOK(close, void, struct vm_area_struct *);
HOOK(may_split, int, struct vm_area_struct *, unsigned long);
HOOK(mremap, int, struct vm_area_struct *);
HOOK(mprotect, int, struct vm_area_struct *, unsigned long, unsigned long, unsigned long);
HOOK(fault, vm_fault_t, struct vm_fault *);
HOOK(huge_fault, vm_fault_t, struct vm_fault *, huge_fault_t);
HOOK(map_pages, vm_fault_t, struct vm_fault *, pgoff_t, pgoff_t);
HOOK(page_mkwrite, vm_fault_t, struct vm_fault *);
HOOK(pfn_mkwrite, vm_fault_t, struct vm_fault *);
HOOK(access, int, struct vm_area_struct *, unsigned long, void *, int, int);
#ifdef VMCTX_MMAP_PREPARE
HOOK(mapped, int, unsigned long, unsigned long, pgoff_t, const struct file *, void **);
#endif
FUNCTION(vm_insert_page, int (struct vm_area_struct *, unsigned long, struct page *));
FUNCTION(vm_insert_pages, int (struct vm_area_struct *, unsigned long, struct page **, unsigned long *));
FUNCTION(vmf_insert_pfn, vm_fault_t (struct vm_area_struct *, unsigned long, unsigned long));
FUNCTION(find_vma, struct vm_area_struct *(struct mm_struct *, unsigned long));
FUNCTION(down_read, void (struct rw_semaphore *));
FUNCTION(down_read_trylock, int (struct rw_semaphore *));
FUNCTION(up_read, void (struct rw_semaphore *));
FUNCTION(down_write, void (struct rw_semaphore *));
FUNCTION(down_write_trylock, int (struct rw_semaphore *));
FUNCTION(up_write, void (struct rw_semaphore *));
SAME((vm_fault_t)0, "vm_fault_t", unsigned int);
static_assert(sizeof(huge_fault_t) == sizeof(unsigned int), "platforms/linux/src/ffi.rs declares another huge_fault");

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
	/* How much an entry of each level shows. */
	VALUE(PMD_SHIFT);
	VALUE(PUD_SHIFT);
	/* What vm_ops->huge_fault is called with. */
	VALUE(HUGE_FAULT_PMD);
	VALUE(HUGE_FAULT_PUD);
	VALUE(VM_ALLOW_ANY_UNCACHED);
	VMA_FLAG(READ);
	VMA_FLAG(WRITE);
	VMA_FLAG(EXEC);
	VMA_FLAG(SHARED);
	VMA_FLAG(MAYREAD);
	VMA_FLAG(MAYWRITE);
	VMA_FLAG(MAYEXEC);
	VMA_FLAG(MAYSHARE);
	VMA_FLAG(PFNMAP);
	VMA_FLAG(IO);
	VMA_FLAG(DONTCOPY);
	VMA_FLAG(DONTEXPAND);
	VMA_FLAG(DONTDUMP);
	VMA_FLAG(MIXEDMAP);
#ifndef VMA_SPECIAL_FLAGS
	/* Else it is a call. */
	VMA_FLAG(SPECIAL);
#endif
	VMA_FLAG_IF_THERE(ALLOW_ANY_UNCACHED);
	FAULT_FLAG(WRITE);
	FAULT_FLAG(MKWRITE);
	FAULT_FLAG(ALLOW_RETRY);
	FAULT_FLAG(RETRY_NOWAIT);
	FAULT_FLAG(KILLABLE);
	FAULT_FLAG(TRIED);
	FAULT_FLAG(USER);
	FAULT_FLAG(REMOTE);
	FAULT_FLAG(INSTRUCTION);
	FAULT_FLAG(INTERRUPTIBLE);
	FAULT_FLAG_IF_THERE(VMA_LOCK);
	FAULT_CODE(OOM);
	FAULT_CODE(SIGBUS);
	FAULT_CODE(MAJOR);
	FAULT_CODE(HWPOISON);
	FAULT_CODE(SIGSEGV);
	FAULT_CODE(NOPAGE);
	FAULT_CODE(LOCKED);
	FAULT_CODE(RETRY);
	FAULT_CODE(FALLBACK);
	/* All that the core has. */
	ERRNO(EPERM);
	ERRNO(ENOENT);
	ERRNO(ESRCH);
	ERRNO(EINTR);
	ERRNO(EIO);
	ERRNO(ENXIO);
	ERRNO(E2BIG);
	ERRNO(ENOEXEC);
	ERRNO(EBADF);
	ERRNO(ECHILD);
	ERRNO(EAGAIN);
	ERRNO(ENOMEM);
	ERRNO(EACCES);
	ERRNO(EFAULT);
	ERRNO(ENOTBLK);
	ERRNO(EBUSY);
	ERRNO(EEXIST);
	ERRNO(EXDEV);
	ERRNO(ENODEV);
	ERRNO(ENOTDIR);
	ERRNO(EISDIR);
	ERRNO(EINVAL);
	ERRNO(ENFILE);
	ERRNO(EMFILE);
	ERRNO(ENOTTY);
	ERRNO(ETXTBSY);
	ERRNO(EFBIG);
	ERRNO(ENOSPC);
	ERRNO(ESPIPE);
	ERRNO(EROFS);
	ERRNO(EMLINK);
	ERRNO(EPIPE);
	ERRNO(EDOM);
	ERRNO(ERANGE);
	ERRNO(EDEADLK);
	ERRNO(ENAMETOOLONG);
	ERRNO(ENOLCK);
	ERRNO(ENOSYS);
	ERRNO(ENOTEMPTY);
	ERRNO(ELOOP);
	ERRNO(ENOMSG);
	ERRNO(EIDRM);
	ERRNO(ECHRNG);
	ERRNO(EL2NSYNC);
	ERRNO(EL3HLT);
	ERRNO(EL3RST);
	ERRNO(ELNRNG);
	ERRNO(EUNATCH);
	ERRNO(ENOCSI);
	ERRNO(EL2HLT);
	ERRNO(EBADE);
	ERRNO(EBADR);
	ERRNO(EXFULL);
	ERRNO(ENOANO);
	ERRNO(EBADRQC);
	ERRNO(EBADSLT);
	ERRNO(EBFONT);
	ERRNO(ENOSTR);
	ERRNO(ENODATA);
	ERRNO(ETIME);
	ERRNO(ENOSR);
	ERRNO(ENONET);
	ERRNO(ENOPKG);
	ERRNO(EREMOTE);
	ERRNO(ENOLINK);
	ERRNO(EADV);
	ERRNO(ESRMNT);
	ERRNO(ECOMM);
	ERRNO(EPROTO);
	ERRNO(EMULTIHOP);
	ERRNO(EDOTDOT);
	ERRNO(EBADMSG);
	ERRNO(EOVERFLOW);
	ERRNO(ENOTUNIQ);
	ERRNO(EBADFD);
	ERRNO(EREMCHG);
	ERRNO(ELIBACC);
	ERRNO(ELIBBAD);
	ERRNO(ELIBSCN);
	ERRNO(ELIBMAX);
	ERRNO(ELIBEXEC);
	ERRNO(EILSEQ);
	ERRNO(ERESTART);
	ERRNO(ESTRPIPE);
	ERRNO(EUSERS);
	ERRNO(ENOTSOCK);
	ERRNO(EDESTADDRREQ);
	ERRNO(EMSGSIZE);
	ERRNO(EPROTOTYPE);
	ERRNO(ENOPROTOOPT);
	ERRNO(EPROTONOSUPPORT);
	ERRNO(ESOCKTNOSUPPORT);
	ERRNO(EOPNOTSUPP);
	ERRNO(EPFNOSUPPORT);
	ERRNO(EAFNOSUPPORT);
	ERRNO(EADDRINUSE);
	ERRNO(EADDRNOTAVAIL);
	ERRNO(ENETDOWN);
	ERRNO(ENETUNREACH);
	ERRNO(ENETRESET);
	ERRNO(ECONNABORTED);
	ERRNO(ECONNRESET);
	ERRNO(ENOBUFS);
	ERRNO(EISCONN);
	ERRNO(ENOTCONN);
	ERRNO(ESHUTDOWN);
	ERRNO(ETOOMANYREFS);
	ERRNO(ETIMEDOUT);
	ERRNO(ECONNREFUSED);
	ERRNO(EHOSTDOWN);
	ERRNO(EHOSTUNREACH);
	ERRNO(EALREADY);
	ERRNO(EINPROGRESS);
	ERRNO(ESTALE);
	ERRNO(EUCLEAN);
	ERRNO(ENOTNAM);
	ERRNO(ENAVAIL);
	ERRNO(EISNAM);
	ERRNO(EREMOTEIO);
	ERRNO(EDQUOT);
	ERRNO(ENOMEDIUM);
	ERRNO(EMEDIUMTYPE);
	ERRNO(ECANCELED);
	ERRNO(ENOKEY);
	ERRNO(EKEYEXPIRED);
	ERRNO(EKEYREVOKED);
	ERRNO(EKEYREJECTED);
	ERRNO(EOWNERDEAD);
	ERRNO(ENOTRECOVERABLE);
	ERRNO(ERFKILL);
	ERRNO(EHWPOISON);
	ERRNO(ERESTARTSYS);
	ERRNO(ERESTARTNOINTR);
	ERRNO(ERESTARTNOHAND);
	ERRNO(ENOIOCTLCMD);
	ERRNO(ERESTART_RESTARTBLOCK);
	ERRNO(EPROBE_DEFER);
	ERRNO(EOPENSTALE);
	ERRNO(ENOPARAM);
	ERRNO(EBADHANDLE);
	ERRNO(ENOTSYNC);
	ERRNO(EBADCOOKIE);
	ERRNO(ENOTSUPP);
	ERRNO(ETOOSMALL);
	ERRNO(ESERVERFAULT);
	ERRNO(EBADTYPE);
	ERRNO(EJUKEBOX);
	ERRNO(EIOCBQUEUED);
	ERRNO(ERECALLCONFLICT);
	ERRNO(ENOGRACE);
}
