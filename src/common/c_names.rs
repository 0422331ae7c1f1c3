// Part of the modules of all tokens: what they have in C under another name. They include it, as they do what they have
// in common: see `guidance.rs`.

use crate::guidance::{AskedByName, InsertsFrameAsInC, InsertsPageAsInC, RemapsAsInC, StandsForItsVma, ZapsAsInC};

/// What inserts and takes away, by its name in C.
#[doc(hidden)]
#[allow(clippy::must_use_candidate, reason = "cannot be called, and not of every token would clippy ask for it")]
impl<P: Platform, M> Token<'_, P, M> {
    pub fn vm_insert_page<A, R>(&self, _: A) -> R
    where
        Self: InsertsPageAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_page<A, R>(&self, _: A) -> R
    where
        Self: InsertsPageAsInC,
    {
        Self::refused()
    }

    pub fn vm_insert_pages<A, R>(&self, _: A) -> R
    where
        Self: InsertsPageAsInC,
    {
        Self::refused()
    }

    pub fn vm_map_pages<A, R>(&self, _: A) -> R
    where
        Self: InsertsPageAsInC,
    {
        Self::refused()
    }

    pub fn vm_map_pages_zero<A, R>(&self, _: A) -> R
    where
        Self: InsertsPageAsInC,
    {
        Self::refused()
    }

    pub fn vm_insert_pfn<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_pfn<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vm_insert_mixed<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_mixed<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_mixed_mkwrite<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_pfn_pmd<A, R>(&self, _: A) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn vmf_insert_pfn_prot<A, B, R>(&self, _: A, _: B) -> R
    where
        Self: InsertsFrameAsInC,
    {
        Self::refused()
    }

    pub fn remap_pfn_range<A, R>(&self, _: A) -> R
    where
        Self: RemapsAsInC,
    {
        Self::refused()
    }

    pub fn io_remap_pfn_range<A, R>(&self, _: A) -> R
    where
        Self: RemapsAsInC,
    {
        Self::refused()
    }

    pub fn vm_iomap_memory<A, R>(&self, _: A) -> R
    where
        Self: RemapsAsInC,
    {
        Self::refused()
    }

    pub fn remap_vmalloc_range<A, R>(&self, _: A) -> R
    where
        Self: RemapsAsInC,
    {
        Self::refused()
    }

    pub fn dma_mmap_coherent<A, R>(&self, _: A) -> R
    where
        Self: RemapsAsInC,
    {
        Self::refused()
    }

    pub fn zap_vma_ptes<A, B, R>(&self, _: A, _: B) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }

    pub fn zap_page_range_single<A, B, R>(&self, _: A, _: B) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }

    pub fn unmap_mapping_range<A, B, R>(&self, _: A, _: B) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }

    pub fn vma<R>(&self) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn vm_mm<R>(&self) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn vm_private_data<R>(&self) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn vm_ops<R>(&self) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn set_vm_ops<A, R>(&self, _: A) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn set_vm_private_data<A, R>(&self, _: A) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn set_private_data<A, R>(&self, _: A) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn vm_page_prot<R>(&self) -> R
    where
        Self: StandsForItsVma,
    {
        Self::refused()
    }

    pub fn flags<R>(&self) -> R
    where
        Self: AskedByName,
    {
        Self::refused()
    }

    pub fn vm_flags<R>(&self) -> R
    where
        Self: AskedByName,
    {
        Self::refused()
    }
}
