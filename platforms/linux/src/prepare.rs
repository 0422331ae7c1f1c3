//! The third convention: `f_op->mmap_prepare`, where the kernel has it, and what follows it.
//!
//! The kernel does the action itself, between the two hooks here. Only then the mapping gets its state, and with it the
//! operations of its type: one whose action or `vm_ops->mapped` fails is unmapped with operations that have no `close`.

use core::ffi::{c_int, c_void};

use vmctx::MmapFile;

use crate::{errno::code, linux::Linux};

/// How a module finds a driver: by what its `f_op->open` has left in `private_data` of the `struct file`.
/// `vm_ops->mapped` is told nothing else that leads to the driver.
///
/// # Safety
/// [`driver`](Self::driver) gives the same driver each time.
pub unsafe trait PrivateData {
    /// The type of the drivers, `dyn MmapFile` where there are several.
    type Driver: MmapFile<Platform = Linux> + ?Sized;

    /// The driver of a file.
    ///
    /// # Safety `data` is `private_data` of a file of the module's that was opened, and is not released while the
    /// driver is used.
    unsafe fn driver<'a>(data: *mut c_void) -> &'a Self::Driver;
}

/// Whether the kernel at hand has `f_op->mmap_prepare` and `driver` has a hook for it: then a module's `f_op->open`
/// chooses file operations with [`mmap_prepare`], else those with [`mmap`](crate::mmap), because the kernel takes
/// none with both.
pub fn describes<F: MmapFile<Platform = Linux> + ?Sized>(driver: &F) -> bool {
    cfg!(vmctx_mmap_prepare) && driver.prepare_hook().is_some()
}

/// Has a driver describe one mapping: what a module's `f_op->mmap_prepare` calls. Zero, or a negative errno: that of
/// the driver; ENODEV for a driver without a prepare hook, or on a kernel without one; EINVAL if the mapping is to
/// keep another file open than the one that it is asked for, because what is mapped is borrowed from the driver's for
/// as long as the mapping is there, or if the driver has named an object that the file does not show.
///
/// # Safety `desc` is the kernel's `struct vm_area_desc` in a call of `f_op->mmap_prepare` for a file of `D`'s, whose
/// driver is there until the file is released.
pub unsafe fn mmap_prepare<D: PrivateData>(desc: *mut c_void) -> c_int {
    #[cfg(vmctx_mmap_prepare)]
    // SAFETY: by this function's contract.
    let described = unsafe { real::describe::<D>(desc.cast()) };
    #[cfg(not(vmctx_mmap_prepare))]
    let described = {
        let _ = desc;
        Err(vmctx::Errno::ENODEV)
    };
    code(described)
}

#[cfg(vmctx_mmap_prepare)]
mod real {
    use core::{
        ffi::{c_int, c_uint, c_void},
        marker::PhantomData,
        ptr,
    };

    use vmctx::{
        Errno, MmapFile, PageCount, PageOffset, PageRange,
        entry::{self, Action, Description},
        platform::{FaultCode, VmFlags},
    };

    use super::PrivateData;
    use crate::{
        errno::{code, result},
        ffi,
        linux::Linux,
        memory::LinuxPage,
        vma::LinuxVma,
    };

    /// The operations of a mapping that has no state yet. Nobody faults on it: its locks are held.
    struct Unestablished<D>(PhantomData<D>);

    impl<D: PrivateData> Unestablished<D> {
        const OPS: ffi::vm_operations_struct = ffi::vm_operations_struct {
            mapped: Some(mapped::<D>),
            fault: Some(fault),
            ..ffi::vm_operations_struct::NOTHING
        };
        /// With what makes the kernel take the right to store from the entries that an action makes
        /// (`vma_wants_writenotify`).
        const TOLD_OF_STORES: ffi::vm_operations_struct = ffi::vm_operations_struct {
            mapped: Some(mapped::<D>),
            fault: Some(fault),
            page_mkwrite: Some(fault),
            ..ffi::vm_operations_struct::NOTHING
        };
    }

    unsafe extern "C" fn fault(_: *mut ffi::vm_fault) -> c_uint {
        FaultCode::SIGBUS.bits()
    }

    /// # Safety
    /// `file` is an open `struct file` of `D`'s, which is released only later.
    unsafe fn driver<'a, D: PrivateData>(file: *const c_void) -> &'a D::Driver
    where
        D::Driver: 'a,
    {
        // SAFETY: by this function's contract.
        unsafe { D::driver((*file.cast::<ffi::file>()).private_data) }
    }

    /// # Safety
    /// As `mmap_prepare`.
    pub(super) unsafe fn describe<D: PrivateData>(desc: *mut ffi::vm_area_desc) -> Result<(), Errno> {
        // SAFETY: by this function's contract, for as long as the hook runs.
        let fields = unsafe { &mut *desc };
        // SAFETY: by this function's contract.
        let driver = unsafe { driver::<D>(fields.file) };
        let hook = driver.prepare_hook().ok_or(Errno::ENODEV)?;
        if fields.vm_file != fields.file {
            return Err(Errno::EINVAL);
        }
        let asked_for = VmFlags::from_bits(fields.vma_flags);
        let wanted = Description::new::<Linux>(fields.start..fields.end, PageOffset::new(fields.pgoff), asked_for)?;
        // SAFETY: by this function's contract, the description is asked for of this file, with the mmap lock held.
        let described = unsafe { entry::mmap_prepare(&hook, wanted) }?;
        if let Some(object) = described.object() {
            // SAFETY: the kernel's file is open.
            if !unsafe { object.platform_object().have_file(fields.vm_file) } {
                return Err(Errno::EINVAL);
            }
        }
        let description = described.description();
        fields.vma_flags = (description.flags().bits() & !ffi::FLAGS_ABSENT) | (asked_for.bits() & ffi::FLAGS_ABSENT);
        fields.vm_ops =
            if described.is_told_of_stores() { &Unestablished::<D>::TOLD_OF_STORES } else { &Unestablished::<D>::OPS };
        // For `mapped`, which is told the number of the first frame instead where a private mapping is remapped. Nobody
        // else looks at it.
        fields.private_data = ptr::without_provenance_mut(fields.pgoff);
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_desc_set_prot(desc, description.cache() as c_int, description.is_decrypted()) };
        match described.action() {
            Action::ByFaults => Ok(()),
            #[expect(clippy::cast_possible_truncation, reason = "kernels of 64 bits")]
            Action::Remap(frames) => {
                // SAFETY: as before; as many frames as the mapping has pages are borrowed from the driver.
                result(unsafe { ffi::vmctx_desc_remap(desc, frames.first().pfn() as usize) })
            }
            Action::Fill(pages) => {
                let first: *const LinuxPage = pages.as_ptr();
                // SAFETY: as before; a `LinuxPage` is a `struct page *`, and the driver, from which the slice is borrowed,
                // has it until the action is done.
                unsafe { ffi::vmctx_desc_map_pages(desc, first.cast(), pages.len()) };
                Ok(())
            }
        }
    }

    unsafe extern "C" fn mapped<D: PrivateData>(
        start: usize,
        end: usize,
        _: usize,
        file: *const c_void,
        private: *mut *mut c_void,
    ) -> c_int {
        // SAFETY: the kernel calls this for a mapping that `describe` has described, with its file.
        let driver = unsafe { driver::<D>(file) };
        // SAFETY: this is the thread that maps, with the mmap lock held for write.
        let raw = unsafe { ffi::find_vma(ffi::vmctx_current_mm(), start) };
        let mut vma = LinuxVma { raw, state: None };
        // SAFETY: it can be read, and written to; `describe` has left an offset there.
        let first = PageOffset::new(unsafe { *private }.addr());
        let made = first.checked_add(PageCount::new((end - start) >> ffi::PAGE_SHIFT)).ok_or(Errno::EOVERFLOW);
        let made = made.and_then(|last| {
            let hook = driver.prepare_hook().ok_or(Errno::ENODEV)?;
            // SAFETY: the kernel has filled the mapping as it was described, and holds its locks.
            unsafe { entry::mapped(&hook, PageRange::new(first, last), &mut vma) }
        });
        if let Some(state) = vma.state {
            // The kernel puts what it finds here into the VMA.
            // SAFETY: as before.
            unsafe { *private = state.as_raw() };
        }
        code(made)
    }
}
