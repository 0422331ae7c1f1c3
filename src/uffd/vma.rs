//! What a session's mappings have besides.

use std::ops::Range;

use crate::{
    Errno, Platform,
    hosted::{Hosted, PageTable, vma},
    platform::VmFlags,
};

use super::{File, MappedVma, Mappings, Uffd, insert::Area, sys::ProtFlags, table::Table};

pub(super) use crate::hosted::operations::Ask;

pub(super) type Vma = vma::Vma<Uffd>;

impl Hosted for Uffd {
    type File = File;
    type Table = Table;

    fn mappings(file: &File) -> &Mappings {
        file.mappings()
    }
}

impl PageTable for Table {
    fn zap(&self, addresses: &Range<usize>, even_cows: bool) {
        if even_cows { self.zap(addresses) } else { self.zap_but_copies(addresses) }
    }

    fn write_protect(&self, addresses: &Range<usize>) {
        self.write_protect(addresses);
    }
}

impl Vma {
    /// Whether its driver is told of first stores.
    pub(super) fn tells_stores(&self) -> bool {
        self.flags().contains(VmFlags::MAYSHARE) && self.registered().told_of_stores
    }

    /// Whether stores must be seen before they happen: to tell a driver, or to find private copies.
    pub(super) fn protects(&self) -> bool {
        !self.flags().contains(VmFlags::MAYSHARE) || self.tells_stores()
    }
}

/// `PROT_*` of these flags.
pub(super) fn kernel_prot(flags: VmFlags) -> ProtFlags {
    [(VmFlags::READ, ProtFlags::READ), (VmFlags::WRITE, ProtFlags::WRITE), (VmFlags::EXEC, ProtFlags::EXEC)]
        .into_iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .fold(ProtFlags::empty(), |prot, (_, bit)| prot | bit)
}

impl MappedVma {
    /// Inserts at an address of the mapping, and tells the kernel.
    pub(super) fn insert(
        &self,
        address: usize,
        insert: impl FnOnce(&Area<'_>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let area = self.area(address)?;
        insert(&area)?;
        area.install(&(address..address + Uffd::PAGE_SIZE)).map_err(|stop| stop.errno())
    }

    pub(super) fn area(&self, address: usize) -> Result<Area<'_>, Errno> {
        let vma = self.vma_at(address).ok_or(Errno::EFAULT)?;
        Ok(Area::new(vma, vma.table(), vma.table().counters()))
    }
}
