//! A file as memory whose pages are copied into a peer: they are nowhere else in between.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    os::fd::{AsFd, OwnedFd},
    ptr,
    sync::Arc,
};

use parking_lot::RwLock;

use vmctx::{Errno, FrameSource, Iomem, OutOfFrames, PageCount};

use crate::{
    error::errno,
    kernel::{
        home::Home,
        signals,
        sys::{self, PAGE_SHIFT, PAGE_SIZE, ProtFlags, View},
    },
    memory::frames::take_numbers,
    serve::in_thread::InThread,
};

use super::adopted::Adopted;

/// A file that this process has mapped, privately: the frames of it that a driver inserts are copied into the peer out of
/// the page cache, and what is stored through [`Iomem::write`] is copied from then on, and not stored in the file. Clones
/// are of the same mapping.
///
/// It has the length that the file had. Where the file is made shorter afterwards, what is behind its end cannot be copied:
/// whoever touches it gets a SIGBUS.
#[derive(Clone)]
pub struct MappedFile {
    mapping: Arc<Mapping>,
}

/// Where the bytes are, and which numbers its frames have.
pub(crate) struct Mapping {
    addresses: Range<usize>,
    numbers: Range<u64>,
    home: Home,
}

/// The mappings, by the first number of each.
static MAPPINGS: RwLock<BTreeMap<u64, std::sync::Weak<Mapping>>> = RwLock::new(BTreeMap::new());

impl MappedFile {
    /// Maps a file, whole. If its last page is not full, it ends with zeros.
    ///
    /// # Errors
    /// EINVAL for an empty file; what `fstat` and `mmap` say; EOVERFLOW when the program has used up all frame numbers.
    pub fn new(file: impl AsFd) -> Result<Self, Errno> {
        let fd: OwnedFd = file.as_fd().try_clone_to_owned().map_err(|error| errno(crate::error::raw(&error)))?;
        let home = Home::here().map_err(errno)?;
        // For `Iomem`, which survives a file that becomes shorter.
        signals::install_handlers::<InThread>().map_err(errno)?;
        let bytes = sys::file_size(&fd).map_err(errno)?;
        let pages = bytes.div_ceil(PAGE_SIZE as u64);
        let len = usize::try_from(pages).ok().and_then(|pages| pages.checked_mul(PAGE_SIZE)).ok_or(Errno::EFBIG)?;
        let numbers = take_numbers(pages).ok_or(Errno::EOVERFLOW)?;
        let view = View { fd: &fd, offset: 0, shared: false, prot: ProtFlags::READ | ProtFlags::WRITE };
        let start = sys::map(len, view).map_err(errno)?;
        let mapping = Arc::new(Mapping { addresses: start..start + len, numbers, home });
        MAPPINGS.write().insert(mapping.numbers.start, Arc::downgrade(&mapping));
        Ok(Self { mapping })
    }

    /// Where so many bytes are, if they lie in it.
    fn bytes_of(&self, offset: usize, len: usize) -> Result<usize, OutOfFrames> {
        let end = offset.checked_add(len).filter(|end| *end <= self.mapping.addresses.len());
        let is_there = end.is_some() && self.mapping.home.is_here();
        if is_there { Ok(self.mapping.addresses.start + offset) } else { Err(OutOfFrames { offset, len }) }
    }
}

impl Mapping {
    /// The mapping that has this frame.
    pub(crate) fn of_frame(pfn: u64) -> Option<Arc<Self>> {
        let mappings = MAPPINGS.read();
        let (_, mapping) = mappings.range(..=pfn).next_back()?;
        let mapping = mapping.upgrade();
        // The last reference is not dropped with the lock held, which dropping takes.
        drop(mappings);
        mapping.filter(|mapping| mapping.numbers.contains(&pfn))
    }

    /// Where the bytes of a frame of it are.
    #[inline]
    pub(crate) fn address_of(&self, pfn: u64) -> Option<usize> {
        let page =
            pfn.checked_sub(self.numbers.start).filter(|_| self.numbers.contains(&pfn) && self.home.is_here())?;
        Some(self.addresses.start + (usize::try_from(page).ok()? << PAGE_SHIFT))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A child of fork has no such mapping; something else may be there. And a thread that is not there may hold the lock.
        if self.home.is_here() {
            MAPPINGS.write().remove(&self.numbers.start);
            // SAFETY: mapped when this was made; whoever copies from it holds this.
            unsafe { sys::unmap(&self.addresses) };
        }
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedFile({} bytes)", self.mapping.addresses.len())
    }
}

impl Iomem for MappedFile {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        let error = OutOfFrames { offset, len: into.len() };
        let from = ptr::with_exposed_provenance(self.bytes_of(offset, into.len())?);
        // SAFETY: one side is the caller's. The other is mapped for as long as this is here, and nobody has a reference to it.
        unsafe { signals::copy(into.as_mut_ptr(), from, into.len()) }.map_err(|_| error)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        let error = OutOfFrames { offset, len: from.len() };
        let to = ptr::with_exposed_provenance_mut(self.bytes_of(offset, from.len())?);
        // SAFETY: as in `read`.
        unsafe { signals::copy(to, from.as_ptr(), from.len()) }.map_err(|_| error)
    }
}

// SAFETY: base and count are set once, and the numbers are nobody else's, ever. Frames of it are never mapped anywhere: they
// are copied, by the kernel, which says so if there is nothing.
unsafe impl FrameSource for MappedFile {
    type Platform = Adopted;

    fn base(&self) -> u64 {
        self.mapping.numbers.start
    }

    fn count(&self) -> PageCount {
        PageCount::new(self.mapping.addresses.len() >> PAGE_SHIFT)
    }
}
