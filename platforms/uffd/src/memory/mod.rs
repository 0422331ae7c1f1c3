//! Memory as drivers have it: pages with references, and frames of devices.

mod device_memory;
pub(crate) mod frames;
mod page;

use std::{fmt, ops::Range, os::fd::OwnedFd, sync::Arc};

use vmctx::{Errno, MaySleep, PageCount, PageOffset, entry};

use crate::{
    error::{KernelError, OpenError, RawErrno},
    kernel::sys::{self, PAGE_SIZE},
};

use frames::{FrameKind, Frames, NoFrames};

pub use device_memory::DeviceMemory;
pub(crate) use page::LockedPage;
pub use page::Page;

/// Memory for drivers: the platform's [`Memory`](vmctx::Platform::Memory). Clones are the same memory.
///
/// It is one memory object of the kernel's (`memfd_create`). What a driver writes to a [`Page`] a user sees through a
/// mapping, because it is the same physical page. Nothing is copied, and nothing is taken from the kernel before a page
/// is allocated; pages that are given back are kept for the next allocation, until they are [trimmed](Self::trim). So it may
/// have more pages than the system has memory.
#[derive(Clone)]
pub struct Memory {
    frames: Arc<Frames>,
    /// If it is an object's.
    row: Option<Arc<Row>>,
}

/// Frames in a row that are kept for one object.
struct Row {
    frames: Arc<Frames>,
    first: u64,
    count: usize,
}

impl Drop for Row {
    fn drop(&mut self) {
        self.frames.give_up_row(self.first);
    }
}

impl Memory {
    /// Memory of up to so many pages, and as much for devices as anybody wants.
    ///
    /// # Errors
    /// [`OpenError::PageSize`]; [`OpenError::ProcessFiles`] and [`OpenError::SystemFiles`] without descriptors;
    /// [`OpenError::FileSize`]; [`OpenError::Refused`] without addresses; [`OpenError::FrameNumbers`] when the program has made so many memories that there are no frame numbers left: 2^52 at most, of which each takes one
    /// for each of its pages and 2^18 for devices, rounded up to a multiple of 2^18.
    pub fn new(pages: PageCount) -> Result<Self, OpenError> {
        if sys::page_size() != PAGE_SIZE {
            return Err(OpenError::PageSize(sys::page_size()));
        }
        Self::of_frames(Frames::new(pages.get()), 0)
    }

    /// Memory of so many large pages, of 2 MiB each (`MFD_HUGETLB`). The system gives all of them at once, and has them back
    /// when the last clone is dropped.
    ///
    /// It has no pages but these, and these are a device's: [`device_memory`](Self::device_memory) gives them out, in whole
    /// large pages, and [`alloc_page`](Self::alloc_page) is ENOMEM. What is mapped of it is mapped by large entries: a
    /// driver's [`huge_fault`](vmctx::Hooks::huge_fault) is called, and one fault brings 2 MiB. Each mapping is shared, its
    /// address, its length and its offset are multiples of 2 MiB, and it is cut in such places only; anything else is EINVAL.
    /// There is nothing smaller to fall back to, so `fault` is not called: what `huge_fault` does not bring is a SIGBUS. Nor
    /// are first stores told or [noted](crate::Options::track_stores) there: EINVAL at mmap.
    ///
    /// # Errors
    /// [`OpenError::HugePages`], if the system has not so many; and as [`new`](Self::new).
    pub fn of_huge_pages(count: PageCount) -> Result<Self, OpenError> {
        if sys::page_size() != PAGE_SIZE {
            return Err(OpenError::PageSize(sys::page_size()));
        }
        Self::of_frames(Frames::huge(count.get()), count.get())
    }

    fn of_frames(frames: Result<Frames, NoFrames>, huge: usize) -> Result<Self, OpenError> {
        let frames = frames.map_err(|error| match error {
            NoFrames::NoNumbers => OpenError::FrameNumbers,
            NoFrames::NoHugePages(errno @ (RawErrno::MFILE | RawErrno::NFILE)) | NoFrames::Refused(errno) => {
                OpenError::refused(errno)
            }
            NoFrames::NoHugePages(errno) => OpenError::HugePages { wanted: huge, error: KernelError::of(errno) },
            NoFrames::FileSize { wanted, limit } => OpenError::FileSize { wanted, limit },
        })?;
        Ok(Self { frames: Arc::new(frames), row: None })
    }

    /// Whether it has [large pages](Self::of_huge_pages).
    pub(crate) fn is_huge(&self) -> bool {
        self.frames.is_huge()
    }

    /// The same memory, with so many of its pages in a row, which are kept for one object: page `n` of the object is the
    /// `n`th of these, whenever it is made ([`alloc_page_at`](Self::alloc_page_at), which a
    /// [`PageCache`](vmctx::PageCache) of this memory calls). So the object's mappings are one of the kernel's each, in
    /// whatever order its pages are touched.
    ///
    /// They have memory only while they are used: when the last reference to one is put, it goes back to the system at once.
    /// So there may be far more of them than the system has memory. When the last clone of what this gives is dropped, they
    /// are pages like any others.
    ///
    /// Open the [file](crate::Session::file) of the object next: its first mapping is laid out for this row.
    ///
    /// # Errors
    /// EINVAL for none; ENOMEM when there are not so many in a row that were never used; ESRCH in a child of fork.
    pub fn in_a_row(&self, count: PageCount) -> Result<Self, Errno> {
        let first = self.frames.keep_row(count.get())?;
        let row = Row { frames: Arc::clone(&self.frames), first, count: count.get() };
        Ok(Self { frames: Arc::clone(&self.frames), row: Some(Arc::new(row)) })
    }

    /// A fresh page of zeros, for this page of the object that the memory is kept for
    /// ([`in_a_row`](Self::in_a_row)): the one that lies there in the row. If that is still in use, or behind the row's end,
    /// or if the memory is kept for none, any page.
    ///
    /// # Errors
    /// As [`alloc_page`](Self::alloc_page).
    pub fn alloc_page_at(&self, at: PageOffset) -> Result<Page, Errno> {
        let row = self.row.as_ref().filter(|row| at.index() < row.count);
        match row.map(|row| self.frames.alloc_of_row(row.first + at.index() as u64)) {
            Some(Ok(pfn)) => Ok(self.adopt(pfn)),
            Some(Err(errno)) if errno != Errno::EBUSY => Err(errno),
            _ => self.alloc_page(),
        }
    }

    /// Gives the memory of pages that nobody uses back to the system. Otherwise it is kept for pages that are allocated
    /// next. Gives back how many pages it was.
    #[expect(clippy::must_use_candidate, reason = "most who call it want it done, and no number")]
    pub fn trim(&self) -> PageCount {
        PageCount::new(self.frames.trim())
    }

    /// A fresh page of zeros.
    ///
    /// # Errors
    /// ENOMEM, when there are no more, or the system has none.
    pub fn alloc_page(&self) -> Result<Page, Errno> {
        self.frames.alloc_page().map(|pfn| self.adopt(pfn))
    }

    /// Memory of a device's own: fresh frames of zeros, not counted. The first is aligned to their number, if that is a
    /// power of two. They stay for as long as the memory does.
    ///
    /// # Errors
    /// EINVAL for none, or for a part of a [large page](Self::of_huge_pages); ENOMEM when there are no more, or the system
    /// has none.
    pub fn device_memory(&self, count: PageCount) -> Result<DeviceMemory, Errno> {
        let base = self.frames.alloc_device(count.get())?;
        Ok(DeviceMemory { frames: Arc::clone(&self.frames), base, count: count.get() })
    }

    /// All frame numbers from 0 on: the zero page, pages, devices and holes. The place of a page in it is [`Page::pfn`].
    /// What leads nowhere cannot be mapped, and the frames of other memories lead nowhere in it.
    #[must_use]
    pub fn physical_memory(&self) -> DeviceMemory {
        self.frames.note_by_number();
        DeviceMemory {
            frames: Arc::clone(&self.frames),
            base: 0,
            count: usize::try_from(self.frames.end()).unwrap_or(usize::MAX),
        }
    }

    /// A frame number with nothing behind it.
    #[must_use]
    pub fn hole(&self) -> u64 {
        self.frames.hole()
    }

    /// How many pages are allocated.
    #[must_use]
    pub fn pages_in_use(&self) -> PageCount {
        PageCount::new(self.frames.pages_in_use())
    }

    /// The right to sleep: whoever sets a device up has it.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        // SAFETY: threads of a process may sleep.
        unsafe { entry::may_sleep() }
    }

    /// Whether this is the process that has made it, and no child of that.
    pub(crate) fn is_here(&self) -> bool {
        self.frames.is_here()
    }

    /// The memory object.
    pub(crate) fn fd(&self) -> &OwnedFd {
        self.frames.fd()
    }

    /// How many of the frames from `first` on, up to `count`, the object has, wherever they lead.
    pub(crate) fn has(&self, first: u64, count: usize) -> usize {
        self.frames.has(first, count)
    }

    /// Gives a page memory again that was taken away past all of this.
    pub(crate) fn populate(&self, pfn: u64) -> Result<(), RawErrno> {
        self.frames.populate(pfn..pfn + 1)
    }

    /// How many bytes the object has.
    pub(crate) fn size(&self) -> u64 {
        self.frames.offset(self.frames.end())
    }

    /// Where in the object a frame of it begins, in bytes.
    pub(crate) fn offset(&self, pfn: u64) -> u64 {
        self.frames.offset(pfn)
    }

    /// The number of the zero page.
    pub(crate) fn zero_page(&self) -> u64 {
        self.frames.zero_page()
    }

    /// The first frame that was allocated since this was last asked.
    pub(crate) fn take_first_allocated(&self) -> Option<u64> {
        self.frames.take_first_allocated()
    }

    /// What a frame number leads to, or `None` for a hole or another memory's frame.
    pub(crate) fn kind(&self, pfn: u64) -> Option<FrameKind> {
        self.frames.kind(pfn)
    }

    /// One more reference to a page of which the caller has one.
    #[inline]
    pub(crate) fn get(&self, pfn: u64) {
        self.frames.get(pfn);
    }

    /// One more reference to each of these pages, of which the caller has one each.
    #[inline]
    pub(crate) fn get_all(&self, frames: &Range<u64>) {
        self.frames.get_all(frames);
    }

    /// A page that may be free, unless it is (`get_page_unless_zero`).
    pub(crate) fn get_unless_free(&self, pfn: u64) -> Option<Page> {
        self.frames.get_unless_free(pfn).then(|| self.adopt(pfn))
    }

    /// Takes over a reference that the caller has.
    pub(crate) fn adopt(&self, pfn: u64) -> Page {
        Page { frames: Arc::clone(&self.frames), pfn }
    }

    /// Puts a reference; the last one frees the page.
    pub(crate) fn put(&self, pfn: u64) {
        self.frames.put(pfn);
    }

    /// Whether a page is one of this memory's.
    #[inline]
    pub(crate) fn owns(&self, page: &Page) -> bool {
        page.is_of(&self.frames)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} pages in use)", self.pages_in_use())
    }
}
