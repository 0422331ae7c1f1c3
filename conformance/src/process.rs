//! Users whose process, session or the like has the user's side that `vmctx-hosted` describes.

use std::{
    boxed::Box,
    string::String,
    sync::{Arc, Mutex, PoisonError},
    vec,
    vec::Vec,
};

use vmctx::{Errno, PageOffset, Platform, UserAddr, platform::Cache};
use vmctx_hosted::{self as hosted, Missing, Prot, UserSide};

use crate::{
    devices::Side,
    user::{Counters, InUse, LeftOut, Map, Refusal, Trap, User},
};

/// A process that has a device open, of any platform whose processes are a [`UserSide`].
///
/// What such a process says it has no means for is left out of the scenario, and told by [`User::left_out`].
pub struct ProcessUser<S: UserSide> {
    process: S,
    device: Arc<OpenDevice<S>>,
    left_out: Mutex<Vec<LeftOut>>,
}

/// What a process shares with its children.
struct OpenDevice<S: UserSide> {
    file: S::File,
    side: Box<dyn Side<S::Platform>>,
}

impl<S: UserSide> ProcessUser<S> {
    /// A process, an open file of the device's driver, and the device's side of it.
    pub fn new(process: S, file: S::File, side: Box<dyn Side<S::Platform>>) -> Self {
        Self { process, device: Arc::new(OpenDevice { file, side }), left_out: Mutex::default() }
    }

    /// The process.
    pub fn process(&self) -> &S {
        &self.process
    }

    /// The device's open file.
    pub fn file(&self) -> &S::File {
        &self.device.file
    }

    /// Says that something of the scenario is left out.
    pub fn leave_out(&self, what: &'static str, why: &'static str) {
        let left = LeftOut { what, why };
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if !left_out.contains(&left) {
            left_out.push(left);
        }
    }

    /// What there are means for; else it is left out.
    fn has<T>(&self, what: &'static str, done: Result<T, Missing>) -> Option<T> {
        done.map_err(|Missing(why)| self.leave_out(what, why)).ok()
    }
}

fn bytes<S: UserSide>(pages: usize) -> usize {
    pages.saturating_mul(S::Platform::PAGE_SIZE)
}

impl<S: UserSide> User for ProcessUser<S> {
    fn page_size(&self) -> usize {
        S::Platform::PAGE_SIZE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        let len = bytes::<S>(map.pages);
        let wanted = if map.shared { hosted::Map::shared(len) } else { hosted::Map::private(len) };
        let prot = if map.writable { Prot::READ | Prot::WRITE } else { Prot::READ };
        let wanted = wanted.pgoff(map.pgoff).prot(prot);
        self.process.mmap(&self.device.file, map.at.map_or(wanted, |at| wanted.at(at)))
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        self.process.munmap(at, bytes::<S>(pages))
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.process.read(at, into)
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.process.write(at, from)
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.device.side.read(offset, into)
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.device.side.write(offset, from)
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.process.ioctl(|ctx| self.device.side.control(ctx, request, argument)).unwrap_or(Err(Errno::EFAULT))
    }

    fn in_use(&self) -> InUse {
        self.process.in_use()
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        let moved = self.has("mremap", self.process.mremap(at, bytes::<S>(pages), bytes::<S>(to)))?;
        Some(moved.map(drop))
    }

    fn protect(&self, at: UserAddr, pages: usize, writable: bool) -> Option<Result<(), Refusal>> {
        let prot = if writable { Prot::READ | Prot::WRITE } else { Prot::READ };
        Some(self.process.mprotect(at, bytes::<S>(pages), prot))
    }

    fn move_to(&self, at: UserAddr, pages: usize, to: UserAddr) -> Option<Result<(), Refusal>> {
        self.has("mremap", self.process.move_to(at, bytes::<S>(pages), to))
    }

    fn peek(&self, at: UserAddr, into: &mut [u8]) -> Option<Result<(), Refusal>> {
        self.has("debugger", self.process.peek(at, into))
    }

    fn poke(&self, at: UserAddr, from: &[u8]) -> Option<Result<(), Refusal>> {
        self.has("debugger", self.process.poke(at, from))
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = self.has("fork", self.process.fork())?;
        let device = Arc::clone(&self.device);
        Some(child.map(|process| Self { process, device, left_out: Mutex::default() }))
    }

    fn references(&self, page: usize) -> Option<usize> {
        self.device.side.page(PageOffset::new(page)).and_then(S::references)
    }

    fn cache(&self, at: UserAddr) -> Option<Cache> {
        self.has("cache", self.process.cache_at(at))?
    }

    fn is_huge(&self, at: UserAddr) -> Option<bool> {
        self.has("large", self.process.is_huge_at(at))
    }

    fn complaints(&self) -> Vec<String> {
        self.process.complaints()
    }

    /// In the order of what is left out of most scenarios.
    fn left_out(&self) -> Vec<LeftOut> {
        const ORDER: [&str; 6] = ["fork", "mremap", "cache", "large", "frames", "debugger"];
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone();
        left_out.sort_by_key(|left| ORDER.iter().position(|what| *what == left.what).unwrap_or(ORDER.len()));
        left_out
    }

    fn counters(&self) -> Option<Counters> {
        let counted = self.process.counts()?;
        let answers = counted.answers;
        Some(Counters {
            inserted: counted.inserted,
            already_present: counted.already_present,
            faults: counted.handler_calls,
            answers: vec![
                ("NOPAGE", answers.nopage),
                ("page", answers.page),
                ("LOCKED", answers.locked),
                ("RETRY", answers.retry),
                ("SIGBUS", answers.sigbus),
                ("SIGSEGV", answers.sigsegv),
                ("OOM", answers.oom),
                ("HWPOISON", answers.hwpoison),
            ],
        })
    }
}
