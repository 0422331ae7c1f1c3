//! The protection of a page: that of its mapping, or less.

/// How memory is cached (`pgprot_noncached`, `pgprot_writecombine`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// Write-back, what RAM has.
    #[default]
    WriteBack,
    /// Stores are gathered, loads are not cached.
    WriteCombine,
    /// Nothing is cached: device registers.
    Noncached,
}

/// The protection of a page that is about to be inserted: that of its VMA, or less.
///
/// It comes from [`FaultCtx::page_prot`](crate::FaultCtx::page_prot) and goes into
/// [`FaultCtx::insert_pfn_prot`](crate::FaultCtx::insert_pfn_prot). The right to write can be taken away and the way
/// the memory is cached changed, but no right can be added that mmap did not give the user. (In C it can be any
/// number.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageProt {
    writable: bool,
    cache: Cache,
    decrypted: bool,
}

impl PageProt {
    /// What a VMA gives. For platforms; a driver gets its VMA's from
    /// [`FaultCtx::page_prot`](crate::FaultCtx::page_prot), and a wider one is narrowed again on insertion.
    #[must_use]
    pub const fn of_vma(writable: bool, cache: Cache) -> Self {
        Self { writable, cache, decrypted: false }
    }

    /// The same without the right to write.
    #[must_use]
    pub const fn read_only(self) -> Self {
        Self { writable: false, ..self }
    }

    /// The same, not cached: device registers (`pgprot_noncached`).
    #[must_use]
    pub const fn noncached(self) -> Self {
        Self { cache: Cache::Noncached, ..self }
    }

    /// The same, with stores gathered: frame buffers (`pgprot_writecombine`).
    #[must_use]
    pub const fn write_combine(self) -> Self {
        Self { cache: Cache::WriteCombine, ..self }
    }

    /// The same, not encrypted: memory that is shared with a device or a hypervisor (`pgprot_decrypted`).
    #[must_use]
    pub const fn decrypted(self) -> Self {
        Self { decrypted: true, ..self }
    }

    /// The same, cached as RAM is.
    #[must_use]
    pub const fn write_back(self) -> Self {
        Self { cache: Cache::WriteBack, ..self }
    }

    /// Whether the page may be written through this.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        self.writable
    }

    /// How the page will be cached.
    #[must_use]
    pub const fn cache(self) -> Cache {
        self.cache
    }

    /// Whether the page is not encrypted, where other memory is.
    #[must_use]
    pub const fn is_decrypted(self) -> bool {
        self.decrypted
    }

    /// The part of this that `vma` allows.
    pub(crate) const fn within(self, vma: Self) -> Self {
        Self { writable: self.writable && vma.writable, ..self }
    }
}

// What it refuses, with what to write instead.
include!("refused/prot.rs");
