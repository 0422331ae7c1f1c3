//! The protection of a page: that of its mapping, cached in another way perhaps.

/// How memory is cached (`pgprot_noncached`, `pgprot_writecombine`).
///
/// ```
/// use vmctx::platform::Cache;
///
/// /// How a platform of x86-64 writes it into an entry, where the PAT is as Linux sets it: `_PAGE_PWT` and `_PAGE_PCD`.
/// const fn bits_of(cache: Cache) -> u64 {
///     match cache {
///         Cache::WriteBack => 0,
///         Cache::WriteCombine => 1 << 3,
///         Cache::Noncached => 1 << 4,
///     }
/// }
/// ```
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

/// The protection of a page that is about to be inserted: that of its VMA, cached in another way perhaps.
///
/// It comes from [`FaultCtx::page_prot`](crate::FaultCtx::page_prot) and goes into
/// [`FaultCtx::insert_pfn_prot`](crate::FaultCtx::insert_pfn_prot). The way the memory is cached can be changed. No
/// right can be added that mmap did not give the user, and none can be taken away from a single page, because it would
/// not stay away: the next store to a shared writable mapping makes the entry writable (`wp_page_reuse`), and so does
/// mprotect ([G26](crate::guide::guarantees#g26)). (In C it can be any number.)
///
/// ```
/// use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};
///
/// /// One frame of a cached mapping that is not cached.
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, doorbells: &'f P::Iomem) -> VmFault<'f> {
///     ctx.insert_pfn_prot_with(|ctx| {
///         let frame = doorbells.frame(ctx.pgoff()).ok_or(Errno::ENXIO)?;
///         Ok((frame, ctx.page_prot().noncached()))
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageProt {
    writable: bool,
    cache: Cache,
    decrypted: bool,
}

impl PageProt {
    /// What a VMA gives. For platforms; a driver gets its VMA's from
    /// [`FaultCtx::page_prot`](crate::FaultCtx::page_prot), and an insertion gives the mapping's rights whatever is
    /// said here.
    #[must_use]
    pub const fn of_vma(writable: bool, cache: Cache) -> Self {
        Self { writable, cache, decrypted: false }
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

    /// The same, cached so.
    #[must_use]
    pub const fn cached_as(self, cache: Cache) -> Self {
        Self { cache, ..self }
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

    /// The same with the rights that the mapping gives, whatever this one says.
    pub(crate) const fn with_rights_of(self, mapping: Self) -> Self {
        Self { writable: mapping.writable, ..self }
    }
}

// What it refuses, with what to write instead.
include!("refused/prot.rs");
