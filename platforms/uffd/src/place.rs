//! Whose addresses a session's mappings are at, and the system calls that only the process itself can make there.
//!
//! What a userfaultfd does, it does to the memory of the process that opened it, whoever asks. Mapping, unmapping and
//! protecting is another matter, and so is looking into the page tables.

use std::{ops::Range, sync::Arc};

use super::{
    agent::{Agent, MOST_LOOKED_AT, Request},
    sys::{self, PAGE_SIZE, ProtFlags, RawErrno, View},
};

/// Whose addresses.
#[derive(Clone)]
pub(super) enum Place {
    /// This process's.
    Here,
    /// Another one's, which does what it is asked to.
    There(Arc<Agent>),
}

impl Place {
    pub(super) fn is_here(&self) -> bool {
        matches!(self, Self::Here)
    }

    /// Whether the process is not there any more, or does not do what it is asked to.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Here => false,
            Self::There(agent) => agent.is_gone(),
        }
    }

    /// [`sys::reserve`]
    pub(super) fn reserve(&self, bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
        match self {
            Self::Here => sys::reserve(bytes, at),
            Self::There(agent) => agent.ask_for_address(&Request::Reserve { bytes, at }),
        }
    }

    /// [`sys::replace`]. Another process has one memory object only, the session's.
    ///
    /// # Safety
    /// The range is this platform's: reserved or mapped by it.
    pub(super) unsafe fn replace(&self, range: &Range<usize>, view: View<'_>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::replace(range, view) },
            Self::There(agent) => {
                let View { offset, shared, prot, .. } = view;
                agent.ask(&Request::Replace { range: range.clone(), offset, shared, prot }).map(drop)
            }
        }
    }

    /// [`sys::move_to`]
    ///
    /// # Safety
    /// Both ranges are this platform's, and nobody uses the first.
    pub(super) unsafe fn move_to(&self, from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::move_to(from, to) },
            Self::There(agent) => agent.ask(&Request::Move { from: from.clone(), to }).map(drop),
        }
    }

    /// [`sys::bury`]
    ///
    /// # Safety
    /// As [`replace`](Self::replace).
    pub(super) unsafe fn bury(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::bury(range) },
            Self::There(agent) => agent.ask(&Request::Bury(range.clone())).map(drop),
        }
    }

    /// [`sys::unmap`]. Another process gives the addresses back once nobody there is at them.
    ///
    /// # Safety
    /// The range is all of what was reserved at once, and nobody uses it any more.
    pub(super) unsafe fn unmap(&self, range: &Range<usize>) {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::unmap(range) },
            Self::There(agent) => {
                // They stay reserved if it fails.
                let _ = agent.ask(&Request::Unmap(range.clone()));
            }
        }
    }

    /// [`sys::protect`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(super) unsafe fn protect(&self, range: &Range<usize>, prot: ProtFlags) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::protect(range, prot) },
            Self::There(agent) => agent.ask(&Request::Protect { range: range.clone(), prot }).map(drop),
        }
    }

    /// [`sys::zap`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(super) unsafe fn zap(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::zap(range) },
            Self::There(agent) => agent.ask(&Request::Zap(range.clone())).map(drop),
        }
    }

    /// Which pages of a range are the process's own copies.
    pub(super) fn private_copies(&self, range: &Range<usize>) -> Result<Vec<bool>, RawErrno> {
        let Self::There(agent) = self else {
            return sys::private_copies(range).map_err(|error| sys::raw(&error));
        };
        let mut copies = Vec::with_capacity(range.len() / PAGE_SIZE);
        let mut rest = range.clone();
        while !rest.is_empty() {
            let part = rest.start..rest.end.min(rest.start + MOST_LOOKED_AT * PAGE_SIZE);
            let bits = agent.ask(&Request::PrivateCopies(part.clone()))?;
            copies.extend((0..part.len() / PAGE_SIZE).map(|page| bits >> page & 1 != 0));
            rest.start = part.end;
        }
        Ok(copies)
    }

    /// Has the process close its own descriptors of the userfaultfds: the session has closed its.
    pub(super) fn close_faults(&self) {
        if let Self::There(agent) = self {
            // If it has gone, so have they.
            let _ = agent.ask(&Request::CloseFaults);
        }
    }
}
