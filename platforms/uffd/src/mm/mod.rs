//! A session's address space: files, the VMAs that map them, what drivers insert there, and the mmap lock.

pub(crate) mod address_space;
pub(crate) mod file;
pub(crate) mod insert;
pub(crate) mod new_vma;
pub(crate) mod state_file;
pub(crate) mod vma;
