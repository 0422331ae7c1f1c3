//! What platforms have in common that run as ordinary Rust programs: a Linux whose parts are values of this process.
//!
//! A thread is in one hook, whichever platform calls it.

#![allow(missing_docs, clippy::must_use_candidate, clippy::len_without_is_empty)]

pub mod answers;
pub mod established;
pub mod hook;
mod lock;
mod mappings;
pub mod operations;
mod prot;
pub mod vma;
pub mod wait;

use std::ops::Range;

use vmctx::Platform;

pub use answers::Answers;
pub use hook::Hook;
pub use lock::{ReadGuard, RwLock, WriteGuard};
pub use mappings::Mappings;
pub use prot::Prot;
pub use wait::WaitQueue;

/// A platform that is an ordinary program: what its VMAs are made of.
pub trait Hosted: Platform {
    /// An open file. Clones are the same one.
    type File: Clone;
    /// What the pages of a VMA are entered into: the address space's, or one for each mapping.
    type Table: PageTable;

    /// Where the file's object is mapped.
    fn mappings(file: &Self::File) -> &Mappings;
}

/// What pages are entered into, as whoever takes them away sees it.
pub trait PageTable: Send + Sync + 'static {
    /// Takes the entries of a range away (`zap_page_range`), and puts their references. Private copies stay if
    /// `even_cows` is not set. When it returns, nobody is in the middle of an access there.
    fn zap(&self, addresses: &Range<usize>, even_cows: bool);

    /// Takes the right to write from the entries of a range, so that the next store to each faults (`page_mkclean`).
    fn write_protect(&self, addresses: &Range<usize>);

    /// A mapping is about to be cut at this address.
    fn split(&self, _address: usize) {}
}
