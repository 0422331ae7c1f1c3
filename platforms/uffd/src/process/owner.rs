//! The process that owns the addresses of a session's mappings, and the system calls that only it can make there.
//!
//! The requests of a userfaultfd work on the memory of the process that opened it, whoever makes them. But only a process
//! itself can map, unmap and protect its memory, and look into its page tables.

use std::{ops::Range, sync::Arc};

use crate::{
    error::RawErrno,
    kernel::{
        home::Home,
        pagemap::Pagemap,
        sys::{self, PAGE_SIZE, ProtFlags, View},
    },
};

use super::{
    agent::Agent,
    protocol::{MOST_COPIES, Request},
};

/// The process that owns the addresses.
#[derive(Clone)]
pub(crate) enum Owner {
    /// This process, for as long as it is this one: in a child of fork nothing is done to its addresses.
    ThisProcess(Home, Pagemap),
    /// Another one, which carries out requests.
    Guest(Arc<Agent>),
}

impl Owner {
    /// This process.
    pub(crate) fn this_process(home: Home) -> Self {
        Self::ThisProcess(home, Pagemap::default())
    }

    pub(crate) fn is_this_process(&self) -> bool {
        matches!(self, Self::ThisProcess(..))
    }

    /// Whether the process is not there any more, or does not carry out requests any more.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::ThisProcess(..) => self.is_inherited(),
            Self::Guest(agent) => agent.is_gone(),
        }
    }

    /// Whether nobody can touch any more what the process had mapped, without anything being done about it.
    pub(crate) fn has_nothing(&self) -> bool {
        match self {
            Self::ThisProcess(..) => self.is_inherited(),
            Self::Guest(agent) => agent.has_nothing(),
        }
    }

    /// Whether this is a child of the process that has opened the session.
    pub(crate) fn is_inherited(&self) -> bool {
        match self {
            Self::ThisProcess(home, _) => !home.is_here(),
            Self::Guest(agent) => agent.is_inherited(),
        }
    }

    /// [`sys::reserve`]
    pub(crate) fn reserve(&self, bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
        match self {
            Self::ThisProcess(home, _) => home.check().and_then(|()| sys::reserve(bytes, at)),
            Self::Guest(agent) => agent.call_for_address(&Request::Reserve { bytes, at }),
        }
    }

    /// [`sys::reserve_aligned`]. Another process has none.
    pub(crate) fn reserve_aligned(&self, bytes: usize, align: usize) -> Result<usize, RawErrno> {
        match self {
            Self::ThisProcess(home, _) => home.check().and_then(|()| sys::reserve_aligned(bytes, align)),
            Self::Guest(_) => Err(RawErrno::OPNOTSUPP),
        }
    }

    /// [`sys::replace`]. Another process has one memory object only, the session's.
    ///
    /// # Safety
    /// The range is this platform's: reserved or mapped by it.
    pub(crate) unsafe fn replace(&self, range: &Range<usize>, view: View<'_>) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::replace(range, view) }
            }
            Self::Guest(agent) => {
                let View { offset, shared, prot, .. } = view;
                agent.call(&Request::Replace { range: range.clone(), offset, shared, prot }).map(drop)
            }
        }
    }

    /// [`sys::replace_by_nothing`]
    ///
    /// # Safety
    /// As [`replace`](Self::replace).
    pub(crate) unsafe fn replace_by_nothing(&self, range: &Range<usize>, prot: ProtFlags) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::replace_by_nothing(range, prot) }
            }
            Self::Guest(agent) => agent.call(&Request::ReplaceByNothing { range: range.clone(), prot }).map(drop),
        }
    }

    /// [`sys::move_to`]
    ///
    /// # Safety
    /// Both ranges are this platform's, and nobody uses the first.
    pub(crate) unsafe fn move_to(&self, from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::move_to(from, to) }
            }
            Self::Guest(agent) => agent.call(&Request::Move { from: from.clone(), to }).map(drop),
        }
    }

    /// [`sys::make_inaccessible`]
    ///
    /// # Safety
    /// As [`replace`](Self::replace).
    pub(crate) unsafe fn make_inaccessible(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::make_inaccessible(range) }
            }
            Self::Guest(agent) => agent.call(&Request::MakeInaccessible(range.clone())).map(drop),
        }
    }

    /// [`sys::unmap`]. A guest gives the addresses back when no access of its own is in the middle of them.
    ///
    /// # Safety
    /// The range is all of what was reserved at once, and nobody uses it any more.
    pub(crate) unsafe fn unmap(&self, range: &Range<usize>) {
        match self {
            Self::ThisProcess(home, _) if !home.is_here() => {}
            // SAFETY: by this function's contract.
            Self::ThisProcess(..) => unsafe { sys::unmap(range) },
            Self::Guest(agent) => {
                // If it fails, they stay reserved.
                let _ = agent.call(&Request::Unmap(range.clone()));
            }
        }
    }

    /// [`sys::protect`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(crate) unsafe fn protect(&self, range: &Range<usize>, prot: ProtFlags) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::protect(range, prot) }
            }
            Self::Guest(agent) => agent.call(&Request::Protect { range: range.clone(), prot }).map(drop),
        }
    }

    /// [`sys::zap`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(crate) unsafe fn zap(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, _) => {
                home.check()?;
                // SAFETY: by this function's contract.
                unsafe { sys::zap(range) }
            }
            Self::Guest(agent) => agent.call(&Request::Zap(range.clone())).map(drop),
        }
    }

    /// Which pages of a range are the process's own copies. Once this was told, it can be told again without a descriptor
    /// more.
    pub(crate) fn private_copies(&self, range: &Range<usize>) -> Result<Vec<bool>, RawErrno> {
        let agent = match self {
            Self::ThisProcess(home, pagemap) => {
                home.check()?;
                return pagemap.private_copies(range);
            }
            Self::Guest(agent) => agent,
        };
        let mut copies = Vec::with_capacity(range.len() / PAGE_SIZE);
        let mut rest = range.clone();
        while !rest.is_empty() {
            let part = rest.start..rest.end.min(rest.start + MOST_COPIES * PAGE_SIZE);
            let bits = agent.call(&Request::PrivateCopies(part.clone()))?;
            copies.extend((0..part.len() / PAGE_SIZE).map(|page| bits >> page & 1 != 0));
            rest.start = part.end;
        }
        Ok(copies)
    }

    /// Whether [`written`](Self::written) can be asked. Another process's page tables are not looked at.
    pub(crate) fn can_tell_written(&self) -> bool {
        match self {
            Self::ThisProcess(_, pagemap) => pagemap.open().is_ok(),
            Self::Guest(_) => false,
        }
    }

    /// [`Pagemap::written`]
    pub(crate) fn written(
        &self,
        range: &Range<usize>,
        protect: bool,
        each: impl FnMut(Range<usize>),
    ) -> Result<(), RawErrno> {
        match self {
            Self::ThisProcess(home, pagemap) => {
                home.check()?;
                pagemap.written(range, protect, each)
            }
            Self::Guest(_) => Err(RawErrno::NOSYS),
        }
    }

    /// Has a guest close its descriptors of the userfaultfds, as the session has closed its own.
    pub(crate) fn close_userfaultfds(&self) {
        if let Self::Guest(agent) = self {
            // If the guest has gone, they have gone as well.
            let _ = agent.call(&Request::CloseUserfaultfds);
        }
    }
}
