//! A file of this kernel's, in the place of the device of the driver `nopage`: pages up to its end, and SIGBUS behind.

use std::{
    array,
    fs::File,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Device, Site, User,
    devices::{
        nopage::{MEMORY, PAGES, SET_LENGTH},
        pattern,
    },
    user::{InUse, Map, Refusal, Trap},
};

use crate::{
    calls::{self, PAGE},
    device::Process,
};

/// Files without a name.
pub(super) struct Files;

impl Site for Files {
    type User = OpenFile;

    fn open(&self, device: Device) -> Result<OpenFile, String> {
        if device != Device::Nopage {
            return Err(format!("no file stands in for {device}"));
        }
        let open = || {
            let file = calls::memfd()?;
            let bytes: Vec<u8> = (0..PAGES * PAGE).map(pattern).collect();
            file.write_all_at(&bytes, 0).map_err(|error| calls::refusal(&error))?;
            let pages = (0..MEMORY).map(|page| array::from_fn(|byte| pattern(page * PAGE + byte))).collect();
            let memory = Arc::new(Mutex::new(Memory { len: PAGES, pages }));
            Ok(OpenFile { process: Process::of(file), memory })
        };
        open().map_err(|refusal: Refusal| refusal.to_string())
    }
}

/// A process that has a file open. Its pages are the device's memory, as far as the file has them.
pub(super) struct OpenFile {
    process: Process,
    memory: Arc<Mutex<Memory>>,
}

struct Memory {
    /// Pages of the file.
    len: usize,
    /// The device's memory. Of a page that the file has, what was in it when it came in.
    pages: Vec<[u8; PAGE]>,
}

impl OpenFile {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> &File {
        &self.process.file
    }

    /// The device refuses as a whole what is not in its memory as a whole.
    fn in_memory(offset: usize, len: usize) -> Result<(), Errno> {
        if offset + len <= MEMORY * PAGE { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn set_len(&self, pages: usize) -> std::io::Result<()> {
        let (mut memory, file) = (self.memory(), self.file());
        for at in pages..memory.len {
            file.read_exact_at(&mut memory.pages[at], (at * PAGE) as u64)?;
        }
        file.set_len((pages * PAGE) as u64)?;
        for at in memory.len..pages {
            file.write_all_at(&memory.pages[at], (at * PAGE) as u64)?;
        }
        memory.len = pages;
        Ok(())
    }
}

impl User for OpenFile {
    fn page_size(&self) -> usize {
        PAGE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        self.process.map(map)
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        self.process.unmap(at, pages)
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.process.read(at, into)
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.process.write(at, from)
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        Self::in_memory(offset, into.len())?;
        let memory = self.memory();
        // The file has the first pages, all of them.
        let (of_file, rest) = into.split_at_mut((memory.len * PAGE).saturating_sub(offset).min(into.len()));
        let read = self.file().read_exact_at(of_file, offset as u64);
        read.map_err(|error| calls::errno(&error).unwrap_or(Errno::EIO))?;
        for (at, byte) in (offset + of_file.len()..).zip(rest) {
            *byte = memory.pages[at / PAGE][at % PAGE];
        }
        Ok(())
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        Self::in_memory(offset, from.len())?;
        let mut memory = self.memory();
        let (of_file, rest) = from.split_at((memory.len * PAGE).saturating_sub(offset).min(from.len()));
        let written = self.file().write_all_at(of_file, offset as u64);
        written.map_err(|error| calls::errno(&error).unwrap_or(Errno::EIO))?;
        for (at, byte) in (offset + of_file.len()..).zip(rest) {
            memory.pages[at / PAGE][at % PAGE] = *byte;
        }
        Ok(())
    }

    /// How many pages the file has, the kernel does not tell by itself.
    fn in_use(&self) -> InUse {
        InUse { pages: self.memory().len, mappings: calls::mappings(self.process.pid(), "/memfd:vmctx") }
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        self.process.expand(at, pages, to)
    }

    fn protect(&self, at: UserAddr, pages: usize, writable: bool) -> Option<Result<(), Refusal>> {
        self.process.protect(at, pages, writable)
    }

    fn move_to(&self, at: UserAddr, pages: usize, to: UserAddr) -> Option<Result<(), Refusal>> {
        self.process.move_to(at, pages, to)
    }

    fn peek(&self, at: UserAddr, into: &mut [u8]) -> Option<Result<(), Refusal>> {
        self.process.peek(at, into)
    }

    fn poke(&self, at: UserAddr, from: &[u8]) -> Option<Result<(), Refusal>> {
        self.process.poke(at, from)
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = self.process.fork()?;
        Some(child.map(|process| Self { process, memory: Arc::clone(&self.memory) }))
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != SET_LENGTH {
            return Err(Errno::ENOTTY);
        }
        let pages = usize::try_from(argument).ok().filter(|pages| *pages <= PAGES).ok_or(Errno::EFBIG)?;
        self.set_len(pages).map(|()| 0).map_err(|error| calls::errno(&error).unwrap_or(Errno::EIO))
    }
}
