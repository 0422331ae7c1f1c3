//! The page table of one mapping, which is the truth, and how the kernel is brought into line with it.

pub(crate) mod backing;
pub(crate) mod claims;
pub(crate) mod dirty;
pub(crate) mod install;
pub(crate) mod page_table;
pub(crate) mod pte;
pub(crate) mod revoke;
pub(crate) mod zeros;
