//! A session as the user's side that every platform in an ordinary program has.

use vmctx::{UnlockedCtx, UserAddr, platform::Cache};
use vmctx_hosted::{self as hosted, Counts, InUse, Map, Missing, Prot, Refusal, UserSide};

use crate::{
    error::{SessionError, SyscallError, Trap},
    memory::Page,
    mm::file::File,
    session::calls::Session,
    uffd::Uffd,
};

impl From<SyscallError> for Refusal {
    fn from(error: SyscallError) -> Self {
        error.errno().map_or_else(|| Self::Other(error.to_string()), Self::Errno)
    }
}

impl From<Trap> for hosted::Trap {
    fn from(trap: Trap) -> Self {
        match trap {
            Trap::Sigbus(at) => Self::Sigbus(at),
            Trap::Sigsegv(at) => Self::Sigsegv(at),
            Trap::InsideHook { .. } | Trap::Forked { .. } | Trap::InGuest { .. } => Self::Other(trap.to_string()),
        }
    }
}

impl UserSide for Session {
    type Platform = Uffd;
    type File = File;

    fn mmap(&self, file: &File, map: Map) -> Result<UserAddr, Refusal> {
        Ok(self.mmap(file, map)?)
    }

    fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), Refusal> {
        Ok(self.munmap(address, bytes)?)
    }

    fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), Refusal> {
        Ok(self.mprotect(address, bytes, prot)?)
    }

    fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), hosted::Trap> {
        Ok(self.read(address, into)?)
    }

    fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), hosted::Trap> {
        Ok(self.write(address, from)?)
    }

    fn in_use(&self) -> InUse {
        InUse { pages: self.memory().pages_in_use().get(), mappings: self.mapping_count() }
    }

    fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Uffd>) -> R) -> Result<R, Refusal> {
        Ok(self.ioctl(run)?)
    }

    fn mremap(&self, _: UserAddr, _: usize, _: usize) -> Result<Result<UserAddr, Refusal>, Missing> {
        Err(Missing("a session has no such call"))
    }

    fn move_to(&self, _: UserAddr, _: usize, _: UserAddr) -> Result<Result<(), Refusal>, Missing> {
        Err(Missing("a session has no such call"))
    }

    fn peek(&self, _: UserAddr, _: &mut [u8]) -> Result<Result<(), Refusal>, Missing> {
        Err(Missing("a session has no debugger"))
    }

    fn poke(&self, _: UserAddr, _: &[u8]) -> Result<Result<(), Refusal>, Missing> {
        Err(Missing("a session has no debugger"))
    }

    fn fork(&self) -> Result<Result<Self, Refusal>, Missing> {
        Err(Missing("a child of this process has no such mappings"))
    }

    fn cache_at(&self, _: UserAddr) -> Result<Option<Cache>, Missing> {
        Err(Missing("all memory is cached as RAM is, whatever a driver asks for"))
    }

    fn is_huge_at(&self, _: UserAddr) -> Result<bool, Missing> {
        Err(Missing("a process cannot make large entries, so huge_fault is not called, and pages come one by one"))
    }

    fn references(page: &Page) -> Option<usize> {
        Some(page.references())
    }

    fn counts(&self) -> Option<Counts> {
        let counted = self.statistics();
        Some(Counts {
            inserted: counted.inserted,
            already_present: counted.already_present,
            handler_calls: counted.handler_calls,
            answers: counted.answers,
        })
    }

    fn complaints(&self) -> Vec<String> {
        self.take_errors().iter().map(SessionError::to_string).collect()
    }
}
