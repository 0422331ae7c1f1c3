//! Frames of a device's own.

use std::{fmt, sync::Arc};

use vmctx::{FrameSource, Iomem, OutOfFrames, PageCount};

use crate::{kernel::sys::PAGE_SIZE, uffd::Uffd};

use super::frames::Frames;

/// Frames by number, standing in for the registers and the memory of a device: the platform's
/// [`Iomem`](vmctx::Platform::Iomem). Real bytes, which are not counted; and cached, whatever the driver asks for.
///
/// From [`Memory::device_memory`](crate::Memory::device_memory), or from
/// [`Memory::physical_memory`](crate::Memory::physical_memory), which is everything there is.
#[derive(Clone)]
pub struct DeviceMemory {
    pub(super) frames: Arc<Frames>,
    pub(super) base: u64,
    pub(super) count: usize,
}

impl DeviceMemory {
    fn check(&self, offset: usize, len: usize) -> Result<OutOfFrames, OutOfFrames> {
        let error = OutOfFrames { offset, len };
        let end = offset.checked_add(len).ok_or(error)?;
        if end.div_ceil(PAGE_SIZE) > self.count { Err(error) } else { Ok(error) }
    }

    /// The number of the frame that a byte lies in, if that leads anywhere.
    fn pfn_at(&self, offset: usize) -> Option<u64> {
        let pfn = self.base + (offset / PAGE_SIZE) as u64;
        self.frames.kind(pfn).map(|_| pfn)
    }
}

impl fmt::Debug for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceMemory({:#x}, {} frames)", self.base, self.count)
    }
}

impl Iomem for DeviceMemory {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        let error = self.check(offset, into.len())?;
        let mut at = offset;
        let mut rest = into;
        while !rest.is_empty() {
            let (part, left) = rest.split_at_mut(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            self.frames.read(self.pfn_at(at).ok_or(error)?, at % PAGE_SIZE, part);
            at += part.len();
            rest = left;
        }
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        let error = self.check(offset, from.len())?;
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let (part, left) = rest.split_at(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            let pfn = self.pfn_at(at).filter(|pfn| *pfn != self.frames.zero_page()).ok_or(error)?;
            self.frames.write(pfn, at % PAGE_SIZE, part);
            at += part.len();
            rest = left;
        }
        Ok(())
    }
}

// SAFETY: base and count are set once. A frame of a device is never taken back or given another use, and what has it
// mapped keeps the memory object. Holes in `physical_memory` lead to nothing, and the platform refuses to map them; a
// page in it may be freed and used again, but stays memory whose bytes everybody reaches from outside the language. If
// its memory goes back to the system, it goes from whoever has it mapped.
unsafe impl FrameSource for DeviceMemory {
    type Platform = Uffd;

    fn base(&self) -> u64 {
        self.base
    }

    fn count(&self) -> PageCount {
        PageCount::new(self.count)
    }
}
