//! VMAs: those of `vmctx-hosted`, with the files and the page tables of this platform.

use vmctx::platform::VmFlags;
use vmctx_hosted::{
    Object, established, mmap_lock,
    vma::{self, Hosted},
};

use crate::{table::page_table::Table, uffd::Uffd};

use super::file::File;

pub(crate) type Vma = vma::Vma<Uffd>;
/// The VMAs of a session: what its mmap lock protects.
pub(crate) type Space = vma::Space<Uffd>;
/// The mmap lock of a session.
pub(crate) type MmapLock = mmap_lock::MmapLock<Uffd>;
/// The mmap lock, held for write.
pub(crate) type WriteLock = mmap_lock::WriteLock<Uffd>;
/// The mmap lock, held for read.
pub(crate) type ReadGuard<'a> = mmap_lock::ReadGuard<'a, Uffd>;

/// A mapping to come back to: the platform's [`Handle`](vmctx::Platform::Handle).
pub type Handle = established::Handle<Uffd>;
/// Who is in an ioctl: the platform's [`Caller`](vmctx::Platform::Caller).
pub type Caller = established::Caller<Uffd>;
/// A mapping whose mmap lock is held for read: the platform's [`EstablishedVma`](vmctx::Platform::EstablishedVma).
pub type EstablishedVma = established::EstablishedVma<Uffd>;

impl Hosted for Uffd {
    type File = File;
    type Table = Table;

    fn mappings(file: &File) -> &Object {
        file.mappings()
    }
}

/// Whether a mapping's driver is told of first stores.
pub(crate) fn tells_stores(vma: &Vma) -> bool {
    vma.flags().contains(VmFlags::MAYSHARE) && vma.registered().told_of_stores
}

/// Whether the kernel must report stores before they happen: to tell a driver of them, or to find private copies.
pub(crate) fn protects(vma: &Vma) -> bool {
    !vma.flags().contains(VmFlags::MAYSHARE) || tells_stores(vma)
}
