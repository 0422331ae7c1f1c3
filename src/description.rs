//! What a mapping is to be: asked for by a user, changed by a hook, settled with the kind.

use core::ops::Range;

use crate::{
    errno::Errno,
    flags::VmFlags,
    kind::{Kind, KindValue},
    platform::Platform,
    prot::Cache,
    units::{PageCount, PageOffset, PageRange},
};

/// A mapping as a prepare hook sees it (`vm_area_desc`): there is no VMA yet. For platforms, which make it of what a
/// user asks for, and the VMA of what the hook has made of it.
///
/// ```
/// use core::ops::Range;
/// use vmctx::{Errno, PageOffset, Platform, entry::Description, platform::VmFlags};
///
/// /// What a user asks for who calls mmap with `MAP_SHARED`, to read, of a file that was opened for reading.
/// fn wanted<P: Platform>(addresses: Range<usize>, pgoff: PageOffset) -> Result<Description, Errno> {
///     let flags = VmFlags::READ | VmFlags::MAYREAD | VmFlags::SHARED | VmFlags::MAYSHARE;
///     Description::new::<P>(addresses, pgoff, flags)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Description {
    addresses: Range<usize>,
    shown: PageRange,
    flags: VmFlags,
    cache: Cache,
    decrypted: bool,
}

impl Description {
    /// A mapping at these addresses, in bytes, of an object from `pgoff` on.
    ///
    /// # Errors
    /// EINVAL for an empty or unaligned range, EOVERFLOW if the last page offset cannot be counted.
    pub fn new<P: Platform>(addresses: Range<usize>, pgoff: PageOffset, flags: VmFlags) -> Result<Self, Errno> {
        let pages = PageCount::new(whole_pages::<P>(&addresses, pgoff)? >> P::PAGE_SHIFT);
        let end = pgoff.checked_add(pages).ok_or(Errno::EOVERFLOW)?;
        let shown = PageRange::new(pgoff, end);
        Ok(Self { addresses, shown, flags, cache: Cache::WriteBack, decrypted: false })
    }

    /// `start..end`, in bytes.
    #[must_use]
    pub fn addresses(&self) -> Range<usize> {
        self.addresses.clone()
    }

    /// Which part of the object it shows. It is that also where Linux keeps something else in `vm_pgoff`: of a private
    /// mapping of frames the number of the first.
    #[must_use]
    pub const fn shown(&self) -> PageRange {
        self.shown
    }

    /// `vma_flags`
    #[must_use]
    pub const fn flags(&self) -> VmFlags {
        self.flags
    }

    /// How what is mapped is cached.
    #[must_use]
    pub const fn cache(&self) -> Cache {
        self.cache
    }

    /// Whether what is mapped is not encrypted.
    #[must_use]
    pub const fn is_decrypted(&self) -> bool {
        self.decrypted
    }

    pub(crate) fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        self.flags = (self.flags | set).without(clear);
    }

    pub(crate) const fn set_cache(&mut self, cache: Cache) {
        self.cache = cache;
    }

    pub(crate) const fn set_decrypted(&mut self) {
        self.decrypted = true;
    }

    /// Makes the VMA what is described.
    pub(crate) fn apply<P: Platform>(&self, vma: &mut P::Vma) {
        let lost = P::vma_flags(vma).without(self.flags);
        P::vma_change_flags(vma, self.flags, lost);
        if self.cache != Cache::WriteBack {
            P::vma_set_cache(vma, self.cache);
        }
        if self.decrypted {
            P::vma_set_decrypted(vma);
        }
    }
}

/// How many bytes there are at these addresses, after the checks that no driver should have to repeat.
pub(crate) fn whole_pages<P: Platform>(addresses: &Range<usize>, pgoff: PageOffset) -> Result<usize, Errno> {
    let bytes = addresses.end.checked_sub(addresses.start).ok_or(Errno::EINVAL)?;
    if bytes == 0 || (addresses.start | addresses.end) & (P::PAGE_SIZE - 1) != 0 {
        return Err(Errno::EINVAL);
    }
    pgoff.checked_add(PageCount::new(bytes >> P::PAGE_SHIFT)).ok_or(Errno::EOVERFLOW)?;
    Ok(bytes)
}

/// Of what a hook has said: that writing is granted.
pub(crate) const GRANTED: usize = 1;

/// From this bit on, of what a hook has said: those of VM_READ, VM_WRITE and VM_EXEC that the driver was told are not
/// asked for.
pub(crate) const ABSENT_SHIFT: u32 = 1;
/// From `VM_READ` to `VM_MAYREAD`, and so for the other two.
const MAY_SHIFT: u32 = 4;
/// The rights of a mapping.
const RIGHTS: VmFlags = VmFlags::from_bits(0x7);

/// The flags that a mapping with these gets, and loses, when its kind is chosen, after what its hook has said.
///
/// # Errors
/// EPERM for a shared mapping that is asked for with `PROT_WRITE`, without a grant. EINVAL for a
/// [`PfnMap`](crate::PfnMap) that is copy-on-write.
pub(crate) fn flags_of_kind<K: Kind>(flags: VmFlags, said: usize) -> Result<(VmFlags, VmFlags), Errno> {
    let mut absent = VmFlags::from_bits((said >> ABSENT_SHIFT) as u64 & RIGHTS.bits());
    if !flags.contains(VmFlags::MAYSHARE) {
        absent = absent.without(VmFlags::WRITE);
    } else if said & GRANTED == 0 {
        if flags.contains(VmFlags::WRITE) {
            return Err(Errno::EPERM);
        }
        absent = absent | VmFlags::WRITE;
    }
    let never = VmFlags::from_bits(absent.bits() << MAY_SHIFT);
    let holds = match K::KIND {
        // `remap_pfn_range` sets the flags of this kind itself, after it has checked the range.
        KindValue::Normal | KindValue::Remapped => VmFlags::NONE,
        KindValue::Mixed => VmFlags::MIXEDMAP,
        KindValue::PfnMap if flags.is_cow() => return Err(Errno::EINVAL),
        KindValue::PfnMap => VmFlags::PFNMAP,
    };
    // Beside keeping it from growing, VM_DONTEXPAND keeps Linux from merging the VMA with a neighbour: that would
    // lose the state of one of the two.
    Ok((holds | VmFlags::DONTEXPAND, never))
}

/// Whether a mapping of this kind can be of an object that begins there.
///
/// # Errors
/// EINVAL where Linux overwrites `vm_pgoff` with the number of the first frame: page offsets cannot be told from it.
pub(crate) fn can_be_rebased<K: Kind>(base: PageOffset, flags: VmFlags) -> Result<(), Errno> {
    if base != PageOffset::ZERO && matches!(K::KIND, KindValue::Remapped) && flags.is_cow() {
        return Err(Errno::EINVAL);
    }
    Ok(())
}
