//! What a session's mappings have besides.

use std::ops::Range;

use vmctx::{Errno, Platform, platform::VmFlags};
use vmctx_hosted::{
    object::Unmapping,
    vma::{self, Hosted},
};

use super::{File, MappedVma, Mappings, Uffd, insert::Area, sys::ProtFlags, table::Table};

pub(super) use vmctx_hosted::operations::FaultCall;

pub(super) type Vma = vma::Vma<Uffd>;

impl Hosted for Uffd {
    type File = File;
    type Table = Table;

    fn mappings(file: &File) -> &Mappings {
        file.mappings()
    }
}

impl Unmapping for Table {
    fn zap(&self, addresses: &Range<usize>, even_cows: bool) {
        if even_cows { self.zap(addresses) } else { self.zap_but_copies(addresses) }
    }

    fn write_protect(&self, addresses: &Range<usize>) {
        self.write_protect(addresses);
    }
}

/// Whether a mapping's driver is told of first stores.
pub(super) fn tells_stores(vma: &Vma) -> bool {
    vma.flags().contains(VmFlags::MAYSHARE) && vma.registered().told_of_stores
}

/// Whether stores must be seen before they happen: to tell a driver, or to find private copies.
pub(super) fn protects(vma: &Vma) -> bool {
    !vma.flags().contains(VmFlags::MAYSHARE) || tells_stores(vma)
}

/// `PROT_*` of these flags.
pub(super) fn kernel_prot(flags: VmFlags) -> ProtFlags {
    [(VmFlags::READ, ProtFlags::READ), (VmFlags::WRITE, ProtFlags::WRITE), (VmFlags::EXEC, ProtFlags::EXEC)]
        .into_iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .fold(ProtFlags::empty(), |prot, (_, bit)| prot | bit)
}

/// Inserts at an address of an established mapping, and tells the kernel.
pub(super) fn insert(
    mapped: &MappedVma,
    address: usize,
    insert: impl FnOnce(&Area<'_>) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let area = area(mapped, address)?;
    insert(&area)?;
    area.install(&(address..address + Uffd::PAGE_SIZE)).map_err(|stop| stop.errno())
}

/// Where the driver of an established mapping may insert.
pub(super) fn area(mapped: &MappedVma, address: usize) -> Result<Area<'_>, Errno> {
    let vma = mapped.vma_at(address).ok_or(Errno::EFAULT)?;
    Ok(Area::new(vma, vma.table(), vma.table().counters()))
}
