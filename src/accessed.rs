//! A debugger's access, as a platform describes it.

use core::ops::Range;

use crate::{errno::Errno, flags::VmFlags, units::PageOffset};

/// The mapping that a debugger reaches into, with the mmap lock of its process held for read: what a platform hands to
/// [`entry::access`](crate::entry::access). It is another process's as a rule.
///
/// ```
/// use core::ops::Range;
/// use vmctx::{Errno, PageOffset, platform::{AccessBuffer, AccessedVma, VmFlags}};
///
/// /// A mapping of one page of registers, as a platform hands it to the entry point.
/// struct Registers {
///     start: usize,
///     bytes: [u8; 4096],
/// }
///
/// impl AccessedVma for Registers {
///     fn range(&self) -> Range<usize> {
///         self.start..self.start + self.bytes.len()
///     }
///
///     fn pgoff(&self) -> PageOffset {
///         PageOffset::ZERO
///     }
///
///     fn flags(&self) -> VmFlags {
///         VmFlags::READ | VmFlags::MAYREAD | VmFlags::PFNMAP | VmFlags::IO
///     }
///
///     fn copy_mapped(&self, address: usize, buffer: AccessBuffer<'_>) -> Result<(), Errno> {
///         let AccessBuffer::Read(into) = buffer else { return Err(Errno::EINVAL) };
///         let bytes = address.checked_sub(self.start).and_then(|first| self.bytes.get(first..)?.get(..into.len()));
///         into.copy_from_slice(bytes.ok_or(Errno::EINVAL)?);
///         Ok(())
///     }
/// }
/// ```
pub trait AccessedVma {
    /// `vm_start..vm_end`, in bytes.
    fn range(&self) -> Range<usize>;

    /// `vm_pgoff`: the offset of the mapping's first page.
    fn pgoff(&self) -> PageOffset;

    /// `vm_flags`.
    fn flags(&self) -> VmFlags;

    /// `generic_access_phys`: copies between the frame that is mapped by number at `address`, a byte's, and `buffer`,
    /// all of it. The bytes lie in one page of the mapping. `VM_PFNMAP` is set.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// EINVAL if nothing is mapped there by number, or if it is to be stored to and the entry is not writable; ENOMEM
    /// if the frame cannot be reached. Nothing was copied then.
    fn copy_mapped(&self, address: usize, buffer: AccessBuffer<'_>) -> Result<(), Errno> {
        let _ = (address, buffer);
        Err(Errno::ENOSYS)
    }
}

/// The kernel's own memory at the debugger's end of an access: `buf` and `write` of `vm_ops->access`. It is never user
/// memory.
///
/// ```
/// use vmctx::platform::AccessBuffer;
///
/// /// An access that reaches over the end of a page is two for the driver, one in each.
/// fn in_pages(buffer: AccessBuffer<'_>, left_in_page: usize) -> (AccessBuffer<'_>, AccessBuffer<'_>) {
///     buffer.split_at(left_in_page)
/// }
///
/// let (first, second) = in_pages(AccessBuffer::Write(&[1, 2, 3]), 2);
/// assert_eq!((first.len(), second.len()), (2, 1));
/// ```
pub enum AccessBuffer<'b> {
    /// The debugger reads: this is to be filled.
    Read(&'b mut [u8]),
    /// The debugger stores this.
    Write(&'b [u8]),
}

impl<'b> AccessBuffer<'b> {
    /// How many bytes it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Read(into) => into.len(),
            Self::Write(from) => from.len(),
        }
    }

    /// Whether there is nothing to copy.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the debugger stores.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Write(_))
    }

    /// Its first `len` bytes, or all, and the rest.
    #[must_use]
    pub fn split_at(self, len: usize) -> (Self, Self) {
        let len = len.min(self.len());
        match self {
            Self::Read(into) => {
                let (first, rest) = into.split_at_mut(len);
                (Self::Read(first), Self::Read(rest))
            }
            Self::Write(from) => {
                let (first, rest) = from.split_at(len);
                (Self::Write(first), Self::Write(rest))
            }
        }
    }

    /// The same bytes, for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> AccessBuffer<'_> {
        match self {
            Self::Read(into) => AccessBuffer::Read(into),
            Self::Write(from) => AccessBuffer::Write(from),
        }
    }
}
